"""The examples over a B-tree as unikernels with a disk: what they stored is there when they start again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from examples.kv_server.test_kv_server import talk
from fata.blocking import drive
from fata.driver.block.file import open_file_block
from fata.store.btree.fsck import Report, check_store
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, PATIENCE, Unikernel, command

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs_runtime()]


def blank(folder: Path) -> Path:
    """Make a disk of zeros."""
    image = folder / "disk.img"
    image.write_bytes(bytes(8 << 20))
    return image


def checked(image: Path) -> Report:
    """Check the store on a disk."""

    async def check() -> Report:
        disk = await open_file_block(str(image), read_only=True)
        report = await check_store(disk)
        await disk.close()
        return report

    return drive(check())


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_the_counter_counts_its_boots(machine: str, tmp_path: Path) -> None:
    image = blank(tmp_path)
    for number in (1, 2):
        words = command(EXAMPLES / "counter", machine, "--disk", "drive", "--drive", str(image))
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"this is start {number}\n" in done.stdout
    assert checked(image).sound


def test_clients_of_redis_find_what_they_stored_before_the_kill(tmp_path: Path) -> None:
    import redis

    image = blank(tmp_path)
    words = ("--disk", "drive", "--drive", str(image))
    with Unikernel(EXAMPLES / "kv_server", "microvm", *words, ports=("6379",)) as server:
        talk("127.0.0.1", server.port("6379"))
    with (
        Unikernel(EXAMPLES / "kv_server", "microvm", *words, ports=("6379",)) as server,
        redis.Redis(port=server.port("6379"), protocol=2, socket_timeout=20) as client,
    ):
        assert client.dbsize() == 53
        assert client.get("right") == b"1"
    assert checked(image).sound
