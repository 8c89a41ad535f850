"""Stores beside a dict: hypothesis makes the calls, both must answer alike.

A batch must be *serializable*: if it is applied, making its calls on the model at that moment gives the same
answers and the same store; if it is refused, somebody must have changed something that it had used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fata.device.kv import BatchConflict, InvalidKey, Kind, KvError, KvRw, KvTx
from fata.driver.block.ramdisk import RamDisk
from fata.driver.kv.directory import Directory, open_directory
from fata.driver.kv.memory import MemoryKv
from fata.runtime.drive import drive
from fata.store.fat.kv import FatKv, open_fat_kv
from fata.store.fat.mount import format_volume
from fata.store.tar.appending import open_appending_tar
from tests.conformance.btree_kv import btree_kv
from tests.conformance.kv_model import Model

pytestmark = pytest.mark.slow  # in all, some seconds

Call = tuple[Any, ...]

values = st.binary(max_size=6)
offsets = st.integers(0, 8)


def calls_of(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Call]:
    """Return calls of everything in KvRw; the root is among the keys, but not so often that it is all one sees."""
    any_key = st.one_of(keys, keys, st.just(""))
    return st.one_of(
        st.tuples(st.sampled_from(["exists", "get", "list", "remove"]), any_key),
        st.tuples(st.just("get_partial"), any_key, offsets, offsets),
        st.tuples(st.just("set"), any_key, values),
        st.tuples(st.just("set_partial"), any_key, offsets, values),
        st.tuples(st.just("rename"), any_key, any_key),
        st.tuples(st.just("allocate"), any_key, offsets),
    )


KEYS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
CALLS = calls_of(KEYS)
FEW_KEYS = st.sampled_from(["a", "b", "b/c"])  # so that batches meet
FEW_CALLS = calls_of(FEW_KEYS)


def model_answer(model: Model, call: Call) -> object:
    """Return what the model answers, an error as its type."""
    try:
        return getattr(model, call[0])(*call[1:])
    except (KvError, InvalidKey) as error:
        return type(error)


def store_answer(store: KvRw, call: Call) -> object:
    """Return what a store answers, likewise."""
    try:
        answer: Coroutine[Any, Any, object] = getattr(store, call[0])(*call[1:])
        return drive(answer)
    except (KvError, InvalidKey) as error:
        return type(error)


def content(store: KvRw, key: str = "") -> tuple[dict[str, bytes], set[str]]:
    """Return a store's values, and its dictionaries with nothing in them."""
    found: dict[str, bytes] = {}
    entries = drive(store.list(key))
    empties = {key} - {""} if not entries else set()
    for name, kind in entries:
        child = f"{key}/{name}" if key else name
        if kind is Kind.VALUE:
            found[child] = drive(store.get(child))
        else:
            below, below_empties = content(store, child)
            found.update(below)
            empties |= below_empties
    return found, empties


class RwMachine(RuleBasedStateMachine):
    """A KvRw beside the model."""

    store: KvRw
    keeps_empties = False

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @rule(call=CALLS)
    def call_store(self, call: Call) -> None:
        self.call(call)

    def call(self, call: Call) -> None:
        """Make a call on both."""
        assert store_answer(self.store, call) == model_answer(self.model, call)
        self.adopt_empties()

    def adopt_empties(self) -> None:
        """Whether an emptied dictionary stays is the store's choice: take it from the store, compare all the rest."""
        found, empties = content(self.store)
        assert found == self.model.values
        assert self.keeps_empties or not empties
        self.model.empties = empties

    @rule()
    def flush(self) -> None:
        drive(self.store.flush())

    @invariant()
    def equal_digests_mean_equal_content(self) -> None:
        digests: dict[bytes, bytes] = {}
        for key, value in self.model.values.items():
            assert digests.setdefault(drive(self.store.digest(key)), value) == value


class MemoryMachine(RwMachine):
    """MemoryKv as a KvRw."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryKv()


class DirectoryMachine(RwMachine):
    """Directory, in a new folder each time."""

    keeps_empties = True

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is one: it syncs thousands of times.
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.opened: Directory = drive(open_directory(self.folder.name))
        self.store = self.opened

    @rule()
    def open_again(self) -> None:
        drive(self.opened.close())
        self.store = self.opened = drive(open_directory(self.folder.name))

    def teardown(self) -> None:
        drive(self.opened.close())
        self.folder.cleanup()


class TarMachine(RwMachine):
    """A tar archive that grows on a disk large enough for a run."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = RamDisk(1 << 12, 1024)
        self.store = drive(open_appending_tar(self.disk))

    @rule()
    def open_again(self) -> None:
        drive(self.store.flush())
        self.store = drive(open_appending_tar(self.disk))


class FatMachine(RwMachine):
    """FAT on a RAM disk."""

    keeps_empties = True

    def __init__(self) -> None:
        super().__init__()
        self.disk = RamDisk(400)
        drive(format_volume(self.disk))
        self.opened: FatKv = drive(open_fat_kv(self.disk))
        self.store = self.opened

    @rule()
    def open_again(self) -> None:
        drive(self.opened.close())
        self.store = self.opened = drive(open_fat_kv(self.disk))


class _Batch(NamedTuple):
    context: AbstractAsyncContextManager[KvRw]
    batch: KvRw
    snapshot: Model  # and the batch's own changes
    calls: list[tuple[Call, object]]
    changed: set[str]  # by others since its beginning


class TxMachine(MemoryMachine):
    """A KvTx beside the model, with up to two batches open while the store goes on changing."""

    store: KvTx

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[_Batch] = []

    @initialize(content=st.lists(st.tuples(st.just("set"), FEW_KEYS, values), max_size=4))
    def fill(self, content: list[Call]) -> None:
        for call in content:
            self.call(call)

    def call(self, call: Call) -> None:
        before = dict(self.model.values)
        super().call(call)
        self.note_changes(before, call)

    def note_changes(self, before: dict[str, bytes], call: Call | None = None) -> None:
        touched = {key for key in {*before, *self.model.values} if before.get(key) != self.model.values.get(key)}
        named = {argument for argument in (call or ())[1:3] if isinstance(argument, str)}
        for batch in self.batches:
            batch.changed.update(touched | named)

    @rule(call=FEW_CALLS)
    def call_store(self, call: Call) -> None:
        self.call(call)

    @rule(key=FEW_KEYS, test=st.none() | values, new=st.none() | values)
    def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> None:
        self.call(("test_and_set", key, test, new))

    @precondition(lambda self: len(self.batches) < 2)
    @rule()
    def begin(self) -> None:
        context = self.store.batch()
        self.batches.append(_Batch(context, drive(context.__aenter__()), self.model.copy(), [], set()))

    @precondition(lambda self: len(self.batches) < 2)
    @rule(steps=st.lists(st.tuples(st.booleans(), FEW_CALLS), min_size=2, max_size=8))
    def whole_batch(self, steps: list[tuple[bool, Call]]) -> None:
        """Make a batch whose calls alternate with others: what it takes to meet is here more often than by chance."""
        self.begin()
        for inside, call in steps:
            if inside:
                self.call_inside(self.batches[-1], call)
            else:
                self.call(call)
        self.finish(self.batches.pop())

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 1), call=FEW_CALLS)
    def call_in_batch(self, which: int, call: Call) -> None:
        self.call_inside(self.batches[which % len(self.batches)], call)

    def call_inside(self, batch: _Batch, call: Call) -> None:
        """Make a call in a batch and on its own model."""
        answer = store_answer(batch.batch, call)
        assert answer == model_answer(batch.snapshot, call), "a batch did not see its snapshot"
        batch.calls.append((call, answer))

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 1))
    def fail(self, which: int) -> None:
        batch = self.batches.pop(which % len(self.batches))
        drive(batch.context.__aexit__(KeyError, KeyError(), None))
        self.adopt_empties()

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 1))
    def end(self, which: int) -> None:
        self.finish(self.batches.pop(which % len(self.batches)))

    def finish(self, batch: _Batch) -> None:
        """Leave a batch, and see whether it was rightly applied or refused."""
        try:
            drive(batch.context.__aexit__(None, None, None))
        except BatchConflict:
            used = {key for call, _ in batch.calls for key in call[1:3] if isinstance(key, str)}
            assert any(_related(one, other) for one in used for other in batch.changed), "a conflict about nothing"
            return
        before = dict(self.model.values)
        for call, answer in batch.calls:
            assert model_answer(self.model, call) == answer, "a batch saw what was never true together"
        self.adopt_empties()
        self.note_changes(before)
        for other in self.batches:
            other.changed.update(key for call, _ in batch.calls for key in call[1:3] if isinstance(key, str))


class BtreeMachine(TxMachine):
    """A store on a B-tree, likewise."""

    def __init__(self) -> None:
        super().__init__()
        self.store = btree_kv()


def _related(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/") or not one or not other


@pytest.mark.parametrize(
    ("machine", "examples"),
    [(MemoryMachine, 60), (DirectoryMachine, 30), (TarMachine, 30), (TxMachine, 60), (BtreeMachine, 30)],
)
def test_a_store_answers_like_a_dict(machine: type[RwMachine], examples: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=30))


@pytest.mark.slow
@pytest.mark.parametrize("machine", [MemoryMachine, DirectoryMachine, TarMachine, TxMachine])
def test_a_store_answers_like_a_dict_for_long(machine: type[RwMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=300, stateful_step_count=60))


class _KeepsPrefix(MemoryKv):
    async def rename(self, source: str, destination: str) -> None:
        value = await self.get(source)
        await super().rename(source, destination)
        if len(source) > 3:
            await self.set(source, value)


class _NoConflicts(MemoryKv):
    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        batch = super().batch()
        batch._looked = _Blind()  # type: ignore[attr-defined]
        return batch


class _Blind(dict[Any, Any]):
    def __setitem__(self, key: object, value: object) -> None:
        pass


@pytest.mark.parametrize(("broken", "machine"), [(_KeepsPrefix, MemoryMachine), (_NoConflicts, TxMachine)])
def test_a_broken_store_is_caught(broken: type[MemoryKv], machine: type[RwMachine]) -> None:
    class Machine(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.store = broken()

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=300, stateful_step_count=30, phases=[Phase.generate])
        )
