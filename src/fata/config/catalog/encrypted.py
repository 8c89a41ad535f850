"""encrypted: a disk of ciphertext."""

from __future__ import annotations

from fata.config.impl import Entry, Impl, device
from fata.config.keys import REQUIRED, Key, prefixed
from fata.config.offer import Offer
from fata.config.value import TEXT
from fata.config.where import caller
from fata.device.block import Block

ENTRY = Entry(
    "encrypted",
    Block,
    {"*": "fata.driver.block.encrypted:open_encrypted"},
    "A disk whose sectors are encrypted with AES-XTS; docs/design/encryption.md says against whom that helps.",
    needs={"block": Block},
)


def encrypted(disk: Impl[Block], key: Key[str] | None = None, *, name: str | None = None) -> Impl[Block]:
    """Return the plaintext of a disk. `key` is read at boot: 64 or 128 hexadecimal digits.

    Without `key` it is the key `--disk-key`, or `--NAME-disk-key`.
    """
    if key is None:
        doc = "AES-XTS key of the disk, 64 or 128 hexadecimal digits"
        key = Key(prefixed(name, "disk-key"), TEXT, REQUIRED, doc, "boot", owner="encrypted()", where=caller())
    made: Impl[Block] = device(ENTRY, name=name, block=disk, key=key)
    return made


OFFER = Offer(encrypted, ENTRY)
