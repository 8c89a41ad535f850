"""A disk whose sectors are ciphertext (docs/design/encryption.md says against whom that helps)."""

from __future__ import annotations

from fata.driver.block.over import OverBlock
from fata.driver.block.xts import TWEAK, xts
from fata.errors import ConfigError, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block, Buffer
    from fata.device.boot_files import BootFiles
    from fata.driver.block.xts import Transform


class EncryptedBlock(OverBlock):
    """A Block of plaintext over a Block of ciphertext: AES-XTS, each sector a data unit numbered as it is on the disk.

    For sectors of 512 octets that is what Linux calls `aes-xts-plain64`. `key` has 32 octets (AES-128) or 64 (AES-256).
    Nothing tells a wrong key from a right one: octets come out, and mean nothing. A sector that was never written is
    not zeros but whatever its ciphertext decrypts to.
    """

    def __init__(self, block: Block, key: bytes) -> None:
        super().__init__(block)
        self._encrypt, self._decrypt = xts(key)

    async def read(self, sector: int, count: int) -> bytes:
        self._check_read(sector, count)
        return self._each(self._decrypt, sector, memoryview(await self._block.read(sector, count)))

    async def write(self, sector: int, data: Buffer) -> None:
        await self._block.write(sector, self._each(self._encrypt, sector, self._check_write(sector, data)))

    async def discard(self, sector: int, count: int) -> None:
        """Write zeros, encrypted: the contract allows the old octets or zeros, and no noise.

        To tell the disk beneath would also show which sectors are in use.
        """
        self._check_discard(sector, count)
        for first in range(sector, sector + count, DISCARDED):
            octets = bytes(min(DISCARDED, sector + count - first) * self.sector_size)
            await self.write(first, octets)

    def _each(self, transform: Transform, sector: int, data: memoryview) -> bytes:
        size = self.sector_size
        units = [
            transform((sector + at // size).to_bytes(TWEAK, "little"), data[at : at + size])
            for at in range(0, len(data), size)
        ]
        return units[0] if len(units) == 1 else b"".join(units)


DISCARDED = 2048  # sectors that are overwritten at a time
MOST_DIGITS = 1024  # characters of a file with a key


async def open_encrypted(block: Block, key: str) -> EncryptedBlock:
    """Open a disk with a key in hexadecimal digits, 64 or 128 of them. Raises `ConfigError`, `Unavailable`."""
    try:
        octets = bytes.fromhex(key)
    except ValueError:
        raise ConfigError("the key is no hexadecimal number", remedy="Make one: `openssl rand -hex 64`.") from None
    return EncryptedBlock(block, octets)


async def open_encrypted_by_file(block: Block, files: BootFiles, file: str) -> EncryptedBlock:
    """Open a disk with the key in the boot-time file `file`. Raises `ConfigError`, `Unavailable`."""
    path = files.path(file)
    try:
        with open(path, encoding="ascii") as stream:
            key = stream.read(MOST_DIGITS)
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"{path}: the disk's key cannot be read: {error}", "Give a file of hexadecimal digits."
        ) from None
    return await open_encrypted(block, key.strip())
