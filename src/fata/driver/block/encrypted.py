"""Encrypted disks by whichever library is there: in a process the package `cryptography`, in an image `_cipher`."""

from __future__ import annotations

from fata.driver.block.ciphertext import CiphertextBlock, key_in, key_of
from fata.driver.block.xts import xts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.device.boot_files import BootFiles


class EncryptedBlock(CiphertextBlock):
    """A Block of plaintext over a Block of ciphertext: AES-XTS, each sector a data unit numbered as it is on the disk.

    For sectors of 512 octets that is what Linux calls `aes-xts-plain64`. `key` has 32 octets (AES-128) or 64 (AES-256).
    Nothing tells a wrong key from a right one: octets come out, and mean nothing. A sector that was never written is
    not zeros but whatever its ciphertext decrypts to.
    """

    def __init__(self, block: Block, key: bytes) -> None:
        super().__init__(block, *xts(key))


async def open_encrypted(block: Block, key: str) -> EncryptedBlock:
    """Open a disk with a key in hexadecimal digits, 64 or 128 of them. Raises `ConfigError`, `Unavailable`."""
    return EncryptedBlock(block, key_of(key))


async def open_encrypted_by_file(block: Block, files: BootFiles, file: str) -> EncryptedBlock:
    """Open a disk with the key in the boot-time file `file`. Raises `ConfigError`, `Unavailable`."""
    return EncryptedBlock(block, key_in(files, file))
