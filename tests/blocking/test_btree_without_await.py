"""The B-tree without await."""

from __future__ import annotations

import pytest

from fata.blocking import blocking, drive
from fata.driver.block.ramdisk import RamDisk
from fata.store.btree.errors import TooLarge
from fata.store.btree.opening import format_btree, open_btree


def test_a_script_needs_no_await() -> None:
    disk = RamDisk(2048)
    drive(format_btree(disk, bytes(range(16))))
    with blocking(drive(open_btree(disk))) as store:
        store.put(b"a", b"1")
        with store.transaction() as transaction:
            transaction.put(b"b", b"2")
            transaction.put(b"x", bytes(9000))
            assert transaction.get(b"a") == b"1"
            assert list(transaction.keys()) == [b"a", b"b", b"x"]
        with pytest.raises(TooLarge), store.transaction() as transaction:
            transaction.put(bytes(513), b"")
        with store.snapshot() as snapshot:
            store.delete(b"b")
            assert [key for key, _ in snapshot.range()] == [b"a", b"b", b"x"]
        assert list(store.range(reverse=True)) == [(b"x", bytes(9000)), (b"a", b"1")]
        assert b"".join(store.stream(b"x", 8990)) == bytes(10)
        assert store.stats().readers == 0
    assert blocking(drive(open_btree(disk))).count() == 2


def test_what_comes_in_pieces_may_come_from_plain_iterators() -> None:
    disk = RamDisk(4096)
    drive(format_btree(disk, bytes(range(16))))
    with blocking(drive(open_btree(disk))) as store:
        assert store.load((b"%04d" % number, bytes(number)) for number in range(200)) == 200
        with store.transaction() as transaction:
            transaction.put_stream(b"large", (bytes(1000) for _ in range(100)), 100_000)
            transaction.put_stream(b"small", iter([b"a", b"b"]), 2)
        assert (store.size(b"large"), store.get(b"small"), store.count(prefix=b"0")) == (100_000, b"ab", 200)
