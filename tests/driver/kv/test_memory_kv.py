"""MemoryKv: its bound, its times, and snapshots that cost nothing to take."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fata.device.kv import NoSpace
from fata.driver.clock.virtual import VirtualClock
from fata.driver.kv.memory import MemoryKv
from fata.driver.kv.tree import Dictionary, Tree, Value
from fata.runtime.drive import drive


def test_a_bound_holds_for_all_values_together() -> None:
    store = MemoryKv(capacity=10)
    drive(store.set("a/b", b"12345"))
    drive(store.set("c", b"12345"))
    for change in (
        store.set("d", b"1"),
        store.set("c", b"123456"),
        store.set_partial("c", 5, b"6"),
        store.allocate("d", 1),
        store.test_and_set("c", b"12345", b"123456"),
    ):
        with pytest.raises(NoSpace):
            drive(change)
    assert drive(store.get("c")) == b"12345"
    drive(store.set("c", b"1234"))
    drive(store.set("d", b"1"))
    drive(store.rename("a/b", "c"))
    drive(store.set("e", b"1234"))
    drive(store.remove(""))
    drive(store.set("f", b"1234567890"))


def test_a_bound_holds_for_batches_that_meet() -> None:
    async def meet(store: MemoryKv) -> None:
        async with store.batch() as first:
            await first.set("a", b"123456")
            await store.set("b", b"123456")

    store = MemoryKv(capacity=10)
    with pytest.raises(NoSpace):
        drive(meet(store))
    assert [name for name, _ in drive(store.list(""))] == ["b"]


def test_times_come_from_the_clock() -> None:
    clock = VirtualClock(wall=1000.0)
    store = MemoryKv(clock=clock)
    drive(store.set("d/a", b"1"))
    clock.advance(5)
    drive(store.set("d/b", b"1"))
    assert [drive(store.last_modified(key)) for key in ("d/a", "d/b", "d", "")] == [1000, 1005, 1005, 1005]
    clock.advance(5)
    drive(store.remove("d/b"))
    assert drive(store.last_modified("d")) == 1010
    clock.set_wall(None)
    drive(store.set("x", b"1"))
    assert drive(store.last_modified("x")) is None
    assert drive(MemoryKv().last_modified("")) is None


def test_a_snapshot_copies_only_what_is_changed_and_only_once() -> None:
    tree = Tree()
    for key in ("a/v", "b/v"):
        tree.set(tuple(key.split("/")), Value(b"1", None))
    before = tree.root
    snapshot = tree.fork()
    assert snapshot.root is tree.root
    tree.set(("a", "v"), Value(b"2", None))
    assert tree.root is not before
    assert tree.find(("b",)) is before.children["b"], "what nobody changed is shared"
    copied = tree.find(("a",))
    tree.set(("a", "w"), Value(b"3", None))
    assert tree.find(("a",)) is copied, "what is ours is changed in place"
    assert snapshot.root is before
    assert snapshot.value(("a", "v")).content == b"1"


def test_sizes_follow_every_change() -> None:
    tree = Tree()
    for key, size in (("a/b/c", 3), ("a/d", 4), ("e", 5), ("a/b/c", 1)):
        tree.set(tuple(key.split("/")), Value(bytes(size), None))
    tree.rename(("a", "b"), ("x", "y"), None)
    tree.rename(("e",), ("x", "y", "c"), None)
    tree.remove(("a",), None)
    assert tree.root.size == 5
    node = tree.find(("x",))
    assert isinstance(node, Dictionary)
    assert node.size == 5


def test_a_store_in_memory_brings_no_large_modules() -> None:
    program = "import sys; from fata.driver.kv.memory import MemoryKv; MemoryKv(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"asyncio", "dataclasses", "logging", "tempfile", "pathlib", "hashlib"} & set(ran.stdout.split())
