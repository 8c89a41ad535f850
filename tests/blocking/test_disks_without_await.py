"""Disks and stores of this project through the synchronous face, from one thread and from several."""

from __future__ import annotations

import threading

from fata.blocking import blocking, drive
from fata.driver.block.file import open_file_block
from fata.driver.block.ramdisk import RamDisk
from fata.store.fat.kv import open_fat_kv
from fata.store.fat.mount import format_volume
from fata.store.tar.appending import open_appending_tar


def test_a_volume_is_used_without_await() -> None:
    disk = RamDisk(8192)
    drive(format_volume(disk))
    store = blocking(drive(open_fat_kv(disk)))
    store.set("d/a", b"1")
    store.close()
    assert blocking(drive(open_fat_kv(disk))).get("d/a") == b"1"


def test_threads_take_turns() -> None:
    """Each thread appends values of its own; a tar that two changed at once would be no tar any more."""
    disk = RamDisk(8192)
    store = blocking(drive(open_appending_tar(disk)))

    def work(name: str) -> None:
        for number in range(50):
            store.set(f"{name}/{number}", name.encode() * number)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.flush()
    again = blocking(drive(open_appending_tar(disk)))
    for name in "abcd":
        assert [again.size(f"{name}/{number}") for number in range(50)] == list(range(50))


def test_a_file_is_a_disk(tmp_path: object) -> None:
    disk = blocking(drive(open_file_block(f"{tmp_path}/disk.img", create_sectors=8)))
    disk.write(7, b"y" * 512)
    disk.flush()
    disk.close()
    assert blocking(drive(open_file_block(f"{tmp_path}/disk.img"))).read(7, 1) == b"y" * 512
