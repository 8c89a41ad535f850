"""The contract of KvRw, run over every store that can be changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from fata.device.kv import (
    AlreadyPresent,
    DictionaryExpected,
    InvalidKey,
    Kind,
    KvRo,
    KvRw,
    NoSpace,
    NotFound,
    ValueExpected,
)
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.directory import open_directory
from fata.driver.kv.memory import MemoryKv
from fata.irmin.kv import open_git_kv
from fata.sim.pytest_plugin import Drive
from fata.sim.suspending import SuspendingBlock, SuspendingKvRw
from fata.store.fat.kv import open_fat_kv
from fata.store.fat.mount import format_volume
from fata.store.tar.appending import open_appending_tar
from tests.conformance.btree_kv import btree_kv
from tests.conformance.irmin_kv import irmin_kv

pytestmark = pytest.mark.virtual_time


async def _memory(_folder: Path) -> KvRw:
    return MemoryKv()


async def _directory(folder: Path) -> KvRw:
    return await open_directory(str(folder))


async def _btree(_folder: Path) -> KvRw:
    return btree_kv()


async def _tar(_folder: Path) -> KvRw:
    return await open_appending_tar(RamDisk(16_384))


async def _tar_of_long_sectors(_folder: Path) -> KvRw:
    return await open_appending_tar(SuspendingBlock(RamDisk(4096, 4096)))


async def _fat(_folder: Path) -> KvRw:
    block = RamDisk(8192)
    await format_volume(block)
    return await open_fat_kv(block)


async def _irmin(_folder: Path) -> KvRw:
    return irmin_kv()


async def _irmin_in_git(folder: Path) -> KvRw:
    return await open_git_kv(str(folder / "store.git"), "main", "nobody <>")


async def _suspending(_folder: Path) -> KvRw:
    return SuspendingKvRw(MemoryKv())


IMPLEMENTATIONS: dict[str, Callable[[Path], Coroutine[Any, Any, KvRw]]] = {
    "memory": _memory,
    "directory": _directory,
    "tar": _tar,
    "tar of long sectors": _tar_of_long_sectors,
    "FAT": _fat,
    "irmin": _irmin,
    "irmin in a git directory": _irmin_in_git,
    "suspending memory": _suspending,
    "btree": _btree,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def store(request: pytest.FixtureRequest, tmp_path: Path, drive: Drive[Any]) -> Iterator[KvRw]:
    """An empty store."""
    store = drive(IMPLEMENTATIONS[request.param](tmp_path))
    yield store
    close = getattr(store, "close", None)
    if close is not None:
        drive(close())


async def _listed(store: KvRo, key: str = "") -> list[str]:
    """Return every value's key beneath, in order."""
    found: list[str] = []
    for name, kind in await store.list(key):
        child = f"{key}/{name}" if key else name
        found += [child] if kind is Kind.VALUE else await _listed(store, child)
    return found


async def test_a_new_store_is_empty(store: KvRw) -> None:
    assert await store.list("") == []
    assert await store.exists("") is Kind.DICTIONARY


async def test_a_value_is_there_under_any_key(store: KvRw) -> None:
    keys = ["a/b", "a/c/d/e", "\u00fc/\U0001f600", "a b", "-", "...", "~", "a\\b", "\n"]
    for key in keys:
        await store.set(key, key.encode())
    for key in keys:
        assert await store.get(key) == key.encode()
    assert sorted(await _listed(store)) == sorted(keys)


async def test_any_value_is_there_under_a_key(store: KvRw) -> None:
    for value in (b"", b"x", b"\0\xff\n", b"x" * 200_000):
        await store.set("a/b", value)
        assert await store.exists("a/b") is Kind.VALUE
        assert await store.get("a/b") == value
        assert await store.size("a/b") == len(value)


async def test_a_value_is_replaced_whole(store: KvRw) -> None:
    for value in (b"long long ago", b"short", b"", b"longer than before"):
        await store.set("a", value)
        assert await store.get("a") == value


async def test_dictionaries_come_with_their_first_value(store: KvRw) -> None:
    await store.set("a/b/c", b"1")
    await store.set("a/x", b"2")
    assert await store.list("a") == [("b", Kind.DICTIONARY), ("x", Kind.VALUE)]
    assert await store.exists("a/b") is Kind.DICTIONARY


async def test_a_dictionary_is_not_overwritten(store: KvRw) -> None:
    await store.set("a/b", b"1")
    for key in ("a", ""):
        with pytest.raises(ValueExpected):
            await store.set(key, b"2")
        with pytest.raises(ValueExpected):
            await store.allocate(key, 3)
        with pytest.raises(ValueExpected):
            await store.set_partial(key, 0, b"2")
    assert await store.get("a/b") == b"1"


async def test_a_value_is_no_dictionary(store: KvRw) -> None:
    await store.set("a", b"1")
    for key in ("a/b", "a/b/c"):
        with pytest.raises(DictionaryExpected):
            await store.set(key, b"2")
        with pytest.raises(DictionaryExpected):
            await store.allocate(key, 3)
        with pytest.raises(NotFound):
            await store.set_partial(key, 0, b"2")
    assert await _listed(store) == ["a"]


PARTS = [
    (0, b"XY", b"XYcdef"),
    (2, b"XY", b"abXYef"),
    (5, b"XY", b"abcdeXY"),
    (6, b"XY", b"abcdefXY"),
    (8, b"XY", b"abcdef\0\0XY"),
    (0, b"", b"abcdef"),
    (9, b"", b"abcdef"),
    (0, b"0123456789", b"0123456789"),
]


async def test_a_part_is_changed(store: KvRw) -> None:
    for offset, data, expected in PARTS:
        await store.set("v", b"abcdef")
        await store.set_partial("v", offset, data)
        assert await store.get("v") == expected


async def test_a_part_of_a_large_value_is_changed(store: KvRw) -> None:
    value = bytearray(b"v" * 300_000)
    await store.set("d/v", bytes(value))
    for offset in (0, 65_535, 299_999, 310_000):
        await store.set_partial("d/v", offset, b"new")
        value.extend(bytes(max(offset - len(value), 0)))
        value[offset : offset + 3] = b"new"
        assert await store.get("d/v") == value


async def test_a_part_of_nothing_is_not_found(store: KvRw) -> None:
    for key in ("v", "d/v"):
        with pytest.raises(NotFound):
            await store.set_partial(key, 0, b"x")
    await store.set("v", b"abc")
    with pytest.raises(InvalidKey):
        await store.set_partial("v", -1, b"x")
    assert await store.get("v") == b"abc"


async def test_values_without_end_are_refused_whole(store: KvRw) -> None:
    await store.set("v", b"abc")
    with pytest.raises(NoSpace):
        await store.set_partial("v", 1 << 62, b"x")
    with pytest.raises(NoSpace):
        await store.set_partial("v", 1 << 70, b"x")
    with pytest.raises(NoSpace):
        await store.allocate("w", 1 << 62)
    with pytest.raises(NoSpace):
        await store.allocate("w", 1 << 70)
    assert await store.get("v") == b"abc"
    assert await _listed(store) == ["v"]


async def test_removing_takes_values_and_dictionaries_away(store: KvRw) -> None:
    for key in ("a/b/c", "a/b/d", "a/e", "f"):
        await store.set(key, key.encode())
    await store.remove("a/b")
    assert await _listed(store) == ["a/e", "f"]
    with pytest.raises(NotFound):
        await store.get("a/b/c")
    await store.remove("f")
    await store.remove("a/e")
    assert await _listed(store) == []


async def test_removing_what_is_not_there_is_fine(store: KvRw) -> None:
    await store.set("a", b"1")
    for key in ("b", "b/c", "a/b", "a/b/c"):
        await store.remove(key)
    assert await store.get("a") == b"1"


async def test_removing_the_root_empties_the_store(store: KvRw) -> None:
    await store.set("a/b", b"1")
    await store.set("c", b"2")
    await store.remove("")
    assert await store.list("") == []
    await store.set("a/b", b"3")
    assert await _listed(store) == ["a/b"]


async def test_a_deep_dictionary_is_removed(store: KvRw) -> None:
    deep = "/".join(["d"] * 150)
    await store.set(f"{deep}/v", b"1")
    await store.set(f"{deep}/w", b"1")
    assert len(await store.digest("")) <= 64
    await store.last_modified("")
    await store.remove("d")
    assert await store.list("") == []


async def test_a_value_moves(store: KvRw) -> None:
    await store.set("a", b"1")
    await store.rename("a", "b/c/d")
    assert await _listed(store) == ["b/c/d"]
    assert await store.get("b/c/d") == b"1"
    await store.set("x", b"2")
    await store.rename("x", "b/c/d")
    assert await _listed(store) == ["b/c/d"]
    assert await store.get("b/c/d") == b"2"


async def test_a_dictionary_moves_with_all_that_is_in_it(store: KvRw) -> None:
    for key in ("a/b", "a/c/d"):
        await store.set(key, key.encode())
    await store.rename("a", "x/y")
    assert await _listed(store) == ["x/y/b", "x/y/c/d"]
    await store.set("v", b"replaced")
    await store.rename("x/y", "v")
    assert await _listed(store) == ["v/b", "v/c/d"]
    assert await store.get("v/c/d") == b"a/c/d"


async def test_a_value_renamed_to_itself_stays(store: KvRw) -> None:
    await store.set("a/b", b"1")
    await store.rename("a/b", "a/b")
    assert await store.get("a/b") == b"1"


async def test_renames_that_cannot_be_change_nothing(store: KvRw) -> None:
    await store.set("d/v", b"1")
    await store.set("v", b"2")
    refused: list[tuple[str, str, type[Exception]]] = [
        ("x", "y", NotFound),
        ("v/x", "y", NotFound),
        ("v", "d", ValueExpected),
        ("d/v", "d", ValueExpected),
        ("d", "d", ValueExpected),
        ("d/v", "v/x", DictionaryExpected),
        ("d", "d/x", InvalidKey),
        ("d", "d/v", InvalidKey),
        ("v", "v/x", InvalidKey),
        ("", "x", InvalidKey),
        ("v", "", InvalidKey),
        ("", "", InvalidKey),
    ]
    for source, destination, error in refused:
        with pytest.raises(error):
            await store.rename(source, destination)
    assert await _listed(store) == ["d/v", "v"]
    assert (await store.get("d/v"), await store.get("v")) == (b"1", b"2")


async def test_allocated_values_are_zeros(store: KvRw) -> None:
    await store.allocate("a/b", 100_000)
    await store.allocate("c", 0)
    assert await store.get("a/b") == bytes(100_000)
    assert await store.size("c") == 0
    for key in ("a/b", "c"):
        with pytest.raises(AlreadyPresent):
            await store.allocate(key, 1)
    with pytest.raises(InvalidKey):
        await store.allocate("e", -1)
    assert await _listed(store) == ["a/b", "c"]


async def test_a_digest_changes_with_the_content(store: KvRw) -> None:
    await store.set("a/b", b"1")
    seen = {(await store.digest("a/b"), await store.digest("a"), await store.digest(""))}
    for value in (b"2", b"3", b"22", b""):
        await store.set("a/b", value)
        seen.add((await store.digest("a/b"), await store.digest("a"), await store.digest("")))
    assert [len({digests[n] for digests in seen}) for n in range(3)] == [5, 5, 5]
    before = await store.digest("a")
    await store.rename("a/b", "a/c")
    assert await store.digest("a") != before


async def test_a_flush_can_be_asked_for_at_any_time(store: KvRw) -> None:
    await store.flush()
    await store.set("a/b", b"1")
    await store.set("a/c", b"2")
    await store.rename("a", "d")
    await store.remove("d/c")
    await store.set_partial("d/b", 1, b"3")
    await store.flush()
    assert await store.get("d/b") == b"13"


CHANGES: dict[str, Callable[[KvRw, str], Coroutine[Any, Any, object]]] = {
    "set": lambda store, key: store.set(key, b"x"),
    "set_partial": lambda store, key: store.set_partial(key, 0, b"x"),
    "remove": lambda store, key: store.remove(key),
    "rename": lambda store, key: store.rename("v", key),
    "rename from": lambda store, key: store.rename(key, "w"),
    "allocate": lambda store, key: store.allocate(key, 1),
}


async def test_strings_that_are_no_keys_are_refused(store: KvRw) -> None:
    await store.set("v", b"1")
    for key in ("/", "/x", "x/", "a//b", ".", "..", "a/./b", "v/../w", "../x", "a\0b", "/etc/passwd"):
        for change in CHANGES.values():
            with pytest.raises(InvalidKey):
                await change(store, key)
    assert await _listed(store) == ["v"]


def test_every_method_of_the_contract_is_run_here() -> None:
    methods = {name for name, _ in inspect.getmembers(KvRw, inspect.isfunction) if not name.startswith("_")}
    read_only = {name for name, _ in inspect.getmembers(KvRo, inspect.isfunction)}
    assert methods - read_only == {*CHANGES, "flush"} - {"rename from"}
