"""A disk whose sectors are ciphertext, whoever encrypts (docs/design/encryption.md says against whom that helps)."""

from __future__ import annotations

from fata.driver.block.over import OverBlock
from fata.errors import ConfigError, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.device.block import Block, Buffer
    from fata.device.boot_files import BootFiles

    Transform = Callable[[bytes, memoryview], bytes]
    """Takes the tweak of a data unit (16 octets) and the unit's octets (16 at least)."""

NAMES = {32: "aes-128-xts", 64: "aes-256-xts"}  # by octets of the key, which is two keys
TWEAK = 16  # octets
DISCARDED = 2048  # sectors that are overwritten at a time
MOST_DIGITS = 1024  # characters of a file with a key


class CiphertextBlock(OverBlock):
    """A Block of plaintext over a Block of ciphertext: each sector is a data unit, numbered as it is on the disk."""

    def __init__(self, block: Block, encrypt: Transform, decrypt: Transform) -> None:
        super().__init__(block)
        self._encrypt = encrypt
        self._decrypt = decrypt

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


def checked(key: bytes) -> bytes:
    """Return a key for AES-XTS: two AES keys, 32 or 64 octets in all.

    Raises `ConfigError` for any other, and for one whose halves are equal, which XTS must not be used with
    (FIPS 140-2 IG A.9).
    """
    if len(key) not in NAMES:
        raise ConfigError(
            f"a key of {len(key)} octets: AES-XTS takes 32 or 64", remedy="Make one: `openssl rand -hex 64`."
        )
    half = len(key) // 2
    if key[:half] == key[half:]:
        raise ConfigError("the key's two halves are equal", remedy="Make another: `openssl rand -hex 64`.")
    return key


def key_of(digits: str) -> bytes:
    """Read a key in hexadecimal digits. Raises `ConfigError`."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ConfigError("the key is no hexadecimal number", remedy="Make one: `openssl rand -hex 64`.") from None


def key_in(files: BootFiles, file: str) -> bytes:
    """Read the key in the boot-time file `file`. Raises `ConfigError`, `Unavailable`."""
    path = files.path(file)
    try:
        with open(path, encoding="ascii") as stream:
            digits = stream.read(MOST_DIGITS)
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"{path}: the disk's key cannot be read: {error}", "Give a file of hexadecimal digits."
        ) from None
    return key_of(digits.strip())
