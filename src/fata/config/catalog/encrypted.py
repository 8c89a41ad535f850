"""encrypted: a disk of ciphertext."""

from __future__ import annotations

from fata.config.catalog.boot_files import boot_files
from fata.config.impl import Entry, Impl, device
from fata.config.keys import REQUIRED, Key, prefixed
from fata.config.offer import Offer
from fata.config.value import TEXT
from fata.config.where import caller
from fata.device.block import Block
from fata.device.boot_files import BootFiles

ENTRY = Entry(
    "encrypted",
    Block,
    {
        "virtio": "fata.driver.block.encrypted_image:open_encrypted",
        "*": "fata.driver.block.encrypted:open_encrypted",
    },
    "A disk whose sectors are encrypted with AES-XTS; docs/design/encryption.md says against whom that helps.",
    needs={"block": Block},
)


BY_FILE = Entry(
    "encrypted_by_file",
    Block,
    {
        "virtio": "fata.driver.block.encrypted_image:open_encrypted_by_file",
        "*": "fata.driver.block.encrypted:open_encrypted_by_file",
    },
    "The same; the disk's key is a file that is given at boot, and stands on no command line.",
    needs={"block": Block, "files": BootFiles},
)


def encrypted(
    disk: Impl[Block], key: Key[str] | None = None, *, file: str | None = None, name: str | None = None
) -> Impl[Block]:
    """Return the plaintext of a disk. `key` is read at boot: 64 or 128 hexadecimal digits.

    With `file` the digits are in the file that `--file FILE=PATH` gives. Without both it is the key `--disk-key`, or
    `--NAME-disk-key`.
    """
    if file is not None:
        by_file: Impl[Block] = device(BY_FILE, name=name, block=disk, files=boot_files(), file=file)
        return by_file
    if key is None:
        doc = "AES-XTS key of the disk, 64 or 128 hexadecimal digits"
        key = Key(prefixed(name, "disk-key"), TEXT, REQUIRED, doc, "boot", owner="encrypted()", where=caller())
    made: Impl[Block] = device(ENTRY, name=name, block=disk, key=key)
    return made


OFFER = Offer(encrypted, ENTRY)
