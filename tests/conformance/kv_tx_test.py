"""The contract of KvTx, run over every store that has batches."""

# ruff: noqa: PT012 -- a conflict is raised by the end of a batch, so that the whole batch must be expected to raise

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fata.device.kv import BatchConflict, DictionaryExpected, Kind, KvRw, KvTx, ValueExpected
from fata.driver.kv.memory import MemoryKv
from fata.errors import StateError
from fata.sim.suspending import SuspendingKvTx
from tests.conformance.btree_kv import btree_kv
from tests.conformance.irmin_kv import irmin_kv

IMPLEMENTATIONS: dict[str, Callable[[], KvTx]] = {
    "memory": MemoryKv,
    "irmin": irmin_kv,
    "btree": btree_kv,
    "suspending memory": lambda: SuspendingKvTx(MemoryKv()),
}


@pytest.fixture(params=IMPLEMENTATIONS)
def store(request: pytest.FixtureRequest) -> KvTx:
    """An empty store."""
    return IMPLEMENTATIONS[request.param]()


class Stopped(Exception):
    """Leaves a batch."""


@pytest.mark.virtual_time
class TestBatch:
    """One batch at a time."""

    async def test_its_changes_appear_at_its_end(self, store: KvTx) -> None:
        await store.set("gone", b"0")
        async with store.batch() as batch:
            await batch.set("a/b", b"1")
            await batch.remove("gone")
            await batch.rename("a", "c")
            assert await batch.get("c/b") == b"1"
            assert await batch.exists("gone") is None
            assert await store.list("") == [("gone", Kind.VALUE)]
        assert await store.list("") == [("c", Kind.DICTIONARY)]
        assert await store.get("c/b") == b"1"

    async def test_nothing_of_it_happens_when_it_fails(self, store: KvTx) -> None:
        await store.set("a", b"1")
        with pytest.raises(Stopped):
            async with store.batch() as batch:
                await batch.set("a", b"2")
                await batch.set("b", b"2")
                raise Stopped
        assert await store.list("") == [("a", Kind.VALUE)]
        assert await store.get("a") == b"1"

    async def test_an_error_inside_that_is_caught_does_not_end_it(self, store: KvTx) -> None:
        await store.set("a", b"1")
        async with store.batch() as batch:
            with pytest.raises(DictionaryExpected):
                await batch.set("a/b", b"2")
            await batch.set("c", b"3")
        assert await store.get("c") == b"3"

    async def test_it_reads_the_store_as_it_was_at_its_beginning(self, store: KvTx) -> None:
        await store.set("a", b"1")
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                await store.set("a", b"2")
                await store.set("b", b"2")
                await store.remove("")
                assert await batch.get("a") == b"1"
                assert await batch.exists("b") is None
                assert await batch.list("") == [("a", Kind.VALUE)]
        assert await store.list("") == []

    @pytest.mark.parametrize(
        "inside",
        [
            lambda batch: batch.get("a/v"),
            lambda batch: batch.size("a/v"),
            lambda batch: batch.get_partial("a/v", 0, 1),
            lambda batch: batch.digest("a"),
            lambda batch: batch.last_modified("a/v"),
            lambda batch: batch.set("a/v", b"batch"),
            lambda batch: batch.set_partial("a/v", 0, b"b"),
            lambda batch: batch.remove("a"),
            lambda batch: batch.remove("a/v"),
            lambda batch: batch.rename("a/v", "x"),
            lambda batch: batch.rename("w", "a/v"),
            lambda batch: batch.rename("a", "x"),
        ],
    )
    async def test_a_change_of_what_it_used_is_a_conflict(
        self, store: KvTx, inside: Callable[[KvRw], Coroutine[Any, Any, object]]
    ) -> None:
        for key in ("a/v", "w"):
            await store.set(key, b"old")
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                await inside(batch)
                await batch.set("other", b"batch")
                await store.set("a/v", b"new")
        assert await store.get("a/v") == b"new"
        assert await store.exists("other") is None

    async def test_what_was_not_there_counts_too(self, store: KvTx) -> None:
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                assert await batch.exists("a") is None
                await store.set("a", b"1")
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                await batch.list("")
                await store.set("b", b"1")
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                await batch.allocate("c", 1)
                await store.allocate("c", 1)

    async def test_a_prefix_that_became_a_value_is_a_conflict(self, store: KvTx) -> None:
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                await batch.set("a/b", b"1")
                await store.set("a", b"2")
        assert await store.get("a") == b"2"

    async def test_a_value_on_the_way_that_refused_a_change_was_read(self, store: KvTx) -> None:
        await store.set("a", b"1")
        with pytest.raises(BatchConflict):
            async with store.batch() as batch:
                with pytest.raises(DictionaryExpected):
                    await batch.set("a/b", b"2")
                await store.remove("a")

    async def test_changes_elsewhere_are_no_conflict_and_stay(self, store: KvTx) -> None:
        for key in ("a/b", "a/c", "d/e"):
            await store.set(key, b"old")
        async with store.batch() as batch:
            assert await batch.get("a/b") == b"old"
            assert await batch.list("d") == [("e", Kind.VALUE)]
            assert await batch.exists("a") is Kind.DICTIONARY
            await batch.set("a/b", b"batch")
            await batch.set("d/f", b"batch")
            await store.set("a/c", b"other")
            await store.set("d/e", b"other")
            await store.set("g", b"other")
        values = [await store.get(key) for key in ("a/b", "a/c", "d/e", "d/f", "g")]
        assert values == [b"batch", b"other", b"other", b"batch", b"other"]

    async def test_two_batches_one_after_the_other_in_time(self, store: KvTx) -> None:
        async with store.batch() as first, store.batch() as second:
            await first.set("a", b"1")
            await second.set("b", b"2")
        assert [name for name, _ in await store.list("")] == ["a", "b"]

    async def test_it_ends_once(self, store: KvTx) -> None:
        context = store.batch()
        async with context as batch:
            await batch.set("a", b"1")
            await batch.flush()
        uses: list[Coroutine[Any, Any, object]] = [
            batch.get("a"),
            batch.exists("a"),
            batch.set("a", b"2"),
            batch.remove("a"),
            batch.flush(),
        ]
        for use in uses:
            with pytest.raises(StateError):
                await use
        with pytest.raises(StateError):
            await context.__aenter__()
        assert await store.get("a") == b"1"

    async def test_it_does_not_open_in_itself(self, store: KvTx) -> None:
        context = store.batch()
        async with context as batch:
            with pytest.raises(StateError):
                await context.__aenter__()
            await batch.set("a", b"1")
        assert await store.get("a") == b"1"


@pytest.mark.virtual_time
async def test_test_and_set_compares_before_it_stores(store: KvTx) -> None:
    assert not await store.test_and_set("a", b"", b"1")
    assert await store.test_and_set("a", None, b"1")
    assert not await store.test_and_set("a", None, b"2")
    assert not await store.test_and_set("a", b"2", b"3")
    assert await store.test_and_set("a", b"1", b"2")
    assert await store.get("a") == b"2"
    assert not await store.test_and_set("a", b"1", None)
    assert await store.test_and_set("a", b"2", None)
    assert await store.exists("a") is None
    assert await store.test_and_set("a", None, None)


@pytest.mark.virtual_time
async def test_test_and_set_is_for_values(store: KvTx) -> None:
    await store.set("d/v", b"1")
    for test in (None, b"1"):
        with pytest.raises(ValueExpected):
            await store.test_and_set("d", test, b"2")
    with pytest.raises(DictionaryExpected):
        await store.test_and_set("d/v/x", None, b"2")
    assert not await store.test_and_set("d/v/x", b"1", b"2")


def test_every_method_of_the_contract_is_run_here() -> None:
    methods = {name for name, _ in inspect.getmembers(KvTx, inspect.isfunction)}
    assert methods - {name for name, _ in inspect.getmembers(KvRw, inspect.isfunction)} == {"batch", "test_and_set"}
