"""No space, at the n-th allocation for every n: what is refused has changed nothing, and the store goes on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.btree.admission import Admission
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.nodes import Span
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.pages import Pages
from fata.store.btree.store import Btree
from tests.store.btree.stores import UUID, items, sound

Model = dict[bytes, bytes]
Changes = dict[bytes, bytes | None]


def steps() -> list[Changes]:
    """Return transactions that take pages of every kind: splits, closings, large values, a snapshot's pages, merges."""
    found: list[Changes] = []
    for number in range(24):
        found.append({b"%02d" % (number * 7 % 24): bytes([number]) * 700})
        if number % 5 == 0:
            found.append({b"x%d" % (number % 3): bytes([number]) * 9000, b"y": bytes([number]) * 70_000})
        if number % 6 == 5:
            found.append({b"%02d" % (number * 7 % 24): None, b"x%d" % (number % 3): b"small"})
    found.append({b"l%02d" % number: bytes(900) for number in range(16)})  # more than the log takes
    found += [{b"%02d" % number: None} for number in range(0, 24, 2)]
    return found


async def new_store() -> Btree:
    """Return a store with a little in it, and with a named snapshot."""
    disk = RamDisk(256 * 8)
    await format_btree(disk, UUID, log_octets=8192)
    store = await open_btree(disk)
    for number in range(12):
        await store.put(b"%02d" % number, bytes(300))
    await store.save_snapshot("old")
    return store


async def reopened_store() -> Btree:
    """Return such a store after a power cut: the log says of most leaves more than their pages, and none was read."""
    store = await new_store()
    for number in range(16):
        await store.put(b"%02d" % (number * 5 % 32), bytes(700))
    await store.checkpoint()
    for number in range(0, 32, 5):
        await store.put(b"%02d" % number, bytes([number]) * 800)
    store = await open_btree(store.medium.block)
    assert len(store._tree.behind) > 3
    return store


async def change(store: Btree, changes: Changes) -> None:
    """Make one transaction."""
    async with store.transaction() as transaction:
        for key, value in changes.items():
            if value is None:
                await transaction.delete(key)
            else:
                await transaction.put(key, value)


def after(model: Model, changes: Changes) -> Model:
    """Return what a store holds after a transaction."""
    return {key: value for key, value in {**model, **changes}.items() if value is not None}


async def play(store: Btree, work: list[Changes], torn: bool) -> list[Changes]:
    """Make all transactions; return those that were refused. `torn`: a refused one may have been made all the same."""
    model, refused = await items(store), []
    for changes in work:
        try:
            await change(store, changes)
            model = after(model, changes)
        except OutOfSpace:
            found = await items(store)
            assert found == model or (torn and found == after(model, changes))
            model = found
            refused.append(changes)
    assert await items(store) == model
    if not torn:
        assert await items(await open_btree(store.medium.block)) == model
    return refused


async def go_on(store: Btree, refused: list[Changes]) -> None:
    """See that there is room again: for what was refused, and for whatever else the store has to do."""
    model = await items(store)
    for changes in refused:
        await change(store, changes)
        model = after(model, changes)
    assert await items(store) == model
    await store.drop_snapshot("old")
    await sound(store)
    assert await items(await open_btree(store.medium.block)) == model


def fail_nth(patch: pytest.MonkeyPatch, owner: type, names: list[str], number: int) -> list[int]:
    """Let the n-th call of these methods, all counted together, find no space. Returns the count, which goes on."""
    calls = [0]

    def count() -> None:
        calls[0] += 1
        if calls[0] == number:
            raise OutOfSpace("as planned")

    for name in names:
        method: Callable[..., Any] = getattr(owner, name)

        def plain(*arguments: Any, method: Callable[..., Any] = method) -> Any:
            count()
            return method(*arguments)

        patch.setattr(owner, name, plain)
    return calls


def each_n(run: Callable[[int, pytest.MonkeyPatch], Coroutine[Any, Any, bool]]) -> int:
    """Run for n = 1, 2, … until `run` says that the n-th never came; return the last n."""
    number = 0
    more = True
    while more:
        number += 1
        with pytest.MonkeyPatch.context() as patch:
            more = drive(run(number, patch))
    return number


@pytest.mark.slow
def test_the_nth_promise_of_space_is_refused() -> None:
    """Admission says no, once: nothing has changed, nor has a page been lost to a large value that came before."""

    async def run(number: int, patch: pytest.MonkeyPatch) -> bool:
        store = await new_store()
        calls = fail_nth(patch, Admission, ["admit", "admit_extent"], number)
        refused = await play(store, steps(), torn=False)
        assert len(refused) == (calls[0] >= number)
        await go_on(store, refused)
        return bool(refused)

    assert each_n(run) > 50


@pytest.mark.slow
def test_the_nth_taking_of_pages_fails() -> None:
    """The map of free pages breaks a promise, once, which it never does: a transaction is there or not, whole."""

    async def run(number: int, patch: pytest.MonkeyPatch) -> bool:
        store = await new_store()
        calls = fail_nth(patch, Pages, ["take"], number)
        refused = await play(store, steps(), torn=True)
        patch.undo()
        await store.flush()  # of what was made all the same
        assert await items(await open_btree(store.medium.block)) == await items(store)
        await go_on(store, refused)
        return calls[0] >= number

    assert each_n(run) > 50


@pytest.mark.slow
@pytest.mark.parametrize("made", [new_store, reopened_store])
def test_n_pages_and_not_one_more(made: Callable[[], Coroutine[Any, Any, Btree]]) -> None:
    """For every n: only n pages are free. Later they all are."""

    async def run(number: int, patch: pytest.MonkeyPatch) -> bool:
        store = await made()
        ballast = occupy_all_but(store._pages, number)
        refused = await play(store, steps(), torn=False)
        store._pages.give_back(ballast)
        await go_on(store, refused)
        return bool(refused)

    assert each_n(run) > 50


def occupy_all_but(pages: Pages, left: int) -> list[Span]:
    """Take pages until so many are free; return them."""
    return [(address, count, 1, False) for address, count in pages.take(pages.free - left)]
