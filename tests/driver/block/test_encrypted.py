"""AES-XTS: the vectors of the standard, and a disk of ciphertext."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.driver.block.encrypted import EncryptedBlock, open_encrypted
from fata.driver.block.ramdisk import RamDisk
from fata.driver.block.xts import xts
from fata.errors import ConfigError
from tests.kernel import machine
from tests.vectors.xts import VECTORS, Vector

pytestmark = pytest.mark.virtual_time

ROOT = Path(__file__).parents[3]
KEY = bytes(range(64))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_vectors_of_the_standard(vector: Vector) -> None:
    encrypt, decrypt = xts(vector.key)
    assert encrypt(vector.tweak, memoryview(vector.plain))[: len(vector.cipher)] == vector.cipher
    assert decrypt(vector.tweak, memoryview(encrypt(vector.tweak, memoryview(vector.plain)))) == vector.plain


PROGRAM = """
import sys
from fata.driver.block.xts import xts
from vectors import VECTORS

for vector in VECTORS:
    encrypt, decrypt = xts(vector.key)
    cipher = encrypt(vector.tweak, memoryview(vector.plain))
    assert cipher[: len(vector.cipher)] == vector.cipher, vector.name
    assert decrypt(vector.tweak, memoryview(cipher)) == vector.plain, vector.name
assert "_cipher" in sys.modules and "cryptography" not in sys.modules
print(len(VECTORS), "right")
"""
PARTS = (
    *("__init__", "errors", "driver/__init__", "driver/block/__init__", "driver/block/geometry", "driver/block/over"),
    *("driver/block/ciphertext", "driver/block/xts_image", "driver/block/xts"),
)


@pytest.mark.slow
def test_the_vectors_in_an_image(tmp_path: Path) -> None:
    """The runtime has a cipher of its own, over another build of libcrypto."""
    modules = {f"fata/{name}": (ROOT / "src" / "fata" / f"{name}.py").read_text(encoding="utf-8") for name in PARTS}
    modules["vectors"] = (ROOT / "tests" / "vectors" / "xts.py").read_text(encoding="utf-8")
    image = tmp_path / "image"
    image.write_bytes(machine.image(PROGRAM, uses=("__future__", "typing"), modules=modules, profile="full"))
    image.chmod(0o755)
    done = machine.as_process(image)
    assert (done.status, done.output) == (0, f"{len(VECTORS)} right\n")


async def test_each_sector_is_a_unit_with_its_own_number() -> None:
    vector = VECTORS[-1]
    disk = RamDisk(300)
    await EncryptedBlock(disk, vector.key).write(254, vector.plain * 3)
    units = [await disk.read(sector, 1) for sector in (254, 255, 256)]
    assert units[1][: len(vector.cipher)] == vector.cipher
    assert len(set(units)) == 3


async def test_another_key_reads_noise() -> None:
    disk = RamDisk(8)
    await EncryptedBlock(disk, KEY).write(0, bytes(1024))
    other = await EncryptedBlock(disk, KEY[::-1]).read(0, 2)
    assert other != bytes(1024)
    assert await EncryptedBlock(disk, KEY).read(0, 2) == bytes(1024)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "a key of 0 octets"),
        ("00" * 33, "a key of 33 octets"),
        ("00" * 64, "two halves are equal"),
        ("zz" * 64, "no hexadecimal number"),
        ("0" * 127, "no hexadecimal number"),
    ],
)
async def test_bad_keys_are_refused(key: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        await open_encrypted(RamDisk(8), key)
    assert "openssl rand -hex 64" in caught.value.remedy


async def test_a_key_is_written_in_hexadecimal_digits() -> None:
    disk = RamDisk(8)
    await (await open_encrypted(disk, KEY.hex())).write(0, bytes(512))
    assert await EncryptedBlock(disk, KEY).read(0, 1) == bytes(512)
