"""Encrypted disks in an image. It is apart from `encrypted`, which would bring a package that no guest can run."""

from __future__ import annotations

from fata.driver.block.ciphertext import CiphertextBlock, key_in, key_of
from fata.driver.block.xts_image import xts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.device.boot_files import BootFiles


async def open_encrypted(block: Block, key: str) -> CiphertextBlock:
    """Open a disk with a key in hexadecimal digits, 64 or 128 of them. Raises `ConfigError`."""
    return CiphertextBlock(block, *xts(key_of(key)))


async def open_encrypted_by_file(block: Block, files: BootFiles, file: str) -> CiphertextBlock:
    """Open a disk with the key in the boot-time file `file`. Raises `ConfigError`, `Unavailable`."""
    return CiphertextBlock(block, *xts(key_in(files, file)))
