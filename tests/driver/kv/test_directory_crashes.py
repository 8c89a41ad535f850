"""A directory store whose program is killed before any of its system calls: keys are whole, nothing is left over."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fata.device.kv import Kind, KvRo
from fata.driver.kv.directory import Directory, open_directory
from fata.driver.kv.staging import STAGING
from fata.runtime.drive import drive
from tests.driver.kv.system_calls import stepping_in

pytestmark = pytest.mark.slow  # in all, some seconds

LARGE = b"l" * 70_000
BEFORE = {"v": b"old", "w": b"other", "d/a": b"1", "d/b/c": b"2", "large": LARGE}

Change = Callable[[Directory], Coroutine[Any, Any, object]]

# Each change with what the store holds after it.
CHANGES: dict[str, tuple[Change, dict[str, bytes]]] = {
    "set": (lambda store: store.set("v", b"new"), BEFORE | {"v": b"new"}),
    "set a new key": (lambda store: store.set("n/e/w", b"new"), BEFORE | {"n/e/w": b"new"}),
    "set_partial": (lambda store: store.set_partial("v", 1, b"!"), BEFORE | {"v": b"o!d"}),
    "rename": (lambda store: store.rename("w", "v"), {k: v for k, v in BEFORE.items() if k != "w"} | {"v": b"other"}),
    "allocate": (lambda store: store.allocate("n/z", 5), BEFORE | {"n/z": bytes(5)}),
    "remove": (lambda store: store.remove("v"), {k: v for k, v in BEFORE.items() if k != "v"}),
    "remove a dictionary": (lambda store: store.remove("d"), {k: v for k, v in BEFORE.items() if k[0] != "d"}),
    "flush": (lambda store: store.flush(), BEFORE),
}


async def _content(store: KvRo, key: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, kind in await store.list(key):
        child = f"{key}/{name}" if key else name
        found |= {child: await store.get(child)} if kind is Kind.VALUE else await _content(store, child)
    return found


async def _fill(store: Directory) -> None:
    await store.remove("")
    for key, value in BEFORE.items():
        await store.set(key, value)


def _killed_at(moment: int, root: Path, change: Change, opened: type[Directory]) -> bool:
    """Make the change in a process that dies before system call number `moment`; say whether it came that far."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: the child only makes the change
        child = os.fork()
    if child == 0:
        status = 2
        try:
            store = opened(os.open(root, os.O_RDONLY), str(root), False)
            with stepping_in(moment, lambda: os._exit(9)):
                drive(change(store))
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9


def crash_everywhere(root: Path, name: str, opened: type[Directory]) -> None:
    """Kill the change before each system call in turn; look at what is there afterwards."""
    change, after = CHANGES[name]
    for moment in itertools.count():
        store = drive(open_directory(str(root)))
        drive(_fill(store))
        drive(store.close())
        died = _killed_at(moment, root, change, opened)
        store = drive(open_directory(str(root)))
        content = drive(_content(store))
        assert content in (BEFORE, after), f"killed before call {moment}"
        drive(store.set("usable", b"1"))  # which sweeps
        assert os.listdir(root / STAGING) == [], f"killed before call {moment}: something is left over"
        drive(store.close())
        assert STAGING not in os.listdir(root)
        if not died:
            assert content == after
            return


@pytest.mark.parametrize("name", CHANGES)
def test_a_key_is_whole_after_a_crash(memory_path: Path, name: str) -> None:
    crash_everywhere(memory_path, name, Directory)


def observe_everywhere(root: Path, name: str, opened: type[Directory]) -> None:
    """Look at the store from another one before each system call in turn."""
    change, after = CHANGES[name]
    store, other = opened(os.open(root, os.O_RDONLY), str(root), False), drive(open_directory(str(root)))
    seen: list[dict[str, bytes]] = []
    for moment in itertools.count():
        drive(_fill(store))
        with stepping_in(moment, lambda: seen.append(drive(_content(other)))) as intruder:
            drive(change(store))
        assert not seen or seen[-1] in (BEFORE, after), f"before call {moment}"
        assert drive(_content(other)) == after
        if intruder.came_too_late:
            break
    drive(store.close())
    drive(other.close())


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "flush"])
def test_others_see_the_old_or_the_new_at_every_moment(memory_path: Path, name: str) -> None:
    observe_everywhere(memory_path, name, Directory)


class _InPlace(Directory):
    """Writes where the old value is."""

    async def set(self, key: str, value: bytes) -> None:
        path = f"/proc/self/fd/{self._descriptor}/{key}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, value)
        os.close(descriptor)

    async def remove(self, key: str) -> None:
        if not key:
            await super().remove(key)
            return
        root = f"/proc/self/fd/{self._descriptor}/{key}"
        for folder, _, files in os.walk(root, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)


@pytest.mark.parametrize("name", ["set", "set a new key", "remove a dictionary"])
@pytest.mark.parametrize("check", [crash_everywhere, observe_everywhere])
def test_a_store_that_writes_in_place_is_caught(
    memory_path: Path, check: Callable[[Path, str, type[Directory]], None], name: str
) -> None:
    with pytest.raises(AssertionError, match="before call"):
        check(memory_path, name, _InPlace)
