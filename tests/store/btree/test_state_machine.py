"""The store beside a dict: hypothesis makes the calls, closes, opens and cuts the power."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.btree.errors import OutOfSpace
from fata.store.btree.fsck import check_store
from fata.store.btree.opening import format_btree, open_btree
from fata.store.btree.snapshot import Snapshot

pytestmark = pytest.mark.slow

KEYS = st.integers(0, 40).map(lambda number: b"%02d" % number)
VALUES = st.tuples(st.sampled_from([0, 1, 300, 1000, 1025, 9000]), st.integers(0, 255)).map(
    lambda shape: bytes([shape[1]]) * shape[0]
)
CHANGES = st.dictionaries(KEYS, st.none() | VALUES, max_size=12)


class Volatile(RamDisk):
    """A disk that forgets at a power cut what was not flushed."""

    def __init__(self, sectors: int) -> None:
        super().__init__(sectors)
        self.durable = bytes(self._octets)

    async def flush(self) -> None:
        self.durable = bytes(self._octets)

    def cut(self) -> None:
        """Cut the power."""
        self._octets[:] = self.durable


class Machine(RuleBasedStateMachine):
    """A store and a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = Volatile(96 * 8)
        self.model: dict[bytes, bytes] = {}
        self.named: dict[str, dict[bytes, bytes]] = {}
        self.readers: list[tuple[Snapshot, dict[bytes, bytes]]] = []

    @initialize(log=st.sampled_from([4096, 12288]), cache=st.sampled_from([1, 1 << 20]))
    def start(self, log: int, cache: int) -> None:
        self.cache = cache
        drive(format_btree(self.disk, bytes(range(16)), log_octets=log))
        self.open()

    def open(self) -> None:
        self.store = drive(open_btree(self.disk, cache_octets=self.cache))
        self.readers = []

    @rule(changes=CHANGES)
    def transact(self, changes: dict[bytes, bytes | None]) -> None:
        async def go() -> None:
            async with self.store.transaction() as transaction:
                for key, value in changes.items():
                    if value is None:
                        await transaction.delete(key)
                    else:
                        await transaction.put(key, value)

        try:
            drive(go())
        except OutOfSpace:
            return
        for key, value in changes.items():
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        assert drive(self.store.get(key)) == self.model.get(key)

    @rule(low=KEYS, high=KEYS, reverse=st.booleans())
    def scan(self, low: bytes, high: bytes, reverse: bool) -> None:
        async def go() -> list[tuple[bytes, bytes]]:
            return [item async for item in self.store.range(low, high, reverse=reverse)]

        wanted = sorted((key, value) for key, value in self.model.items() if low <= key < high)
        assert drive(go()) == (wanted[::-1] if reverse else wanted)

    @rule()
    def pin(self) -> None:
        if len(self.readers) < 2:
            self.readers.append((self.store.snapshot(), dict(self.model)))

    @rule()
    def unpin(self) -> None:
        if self.readers:
            snapshot, wanted = self.readers.pop(0)
            assert self.all(snapshot) == wanted
            snapshot.close()

    def all(self, snapshot: object) -> dict[bytes, bytes]:
        async def go() -> dict[bytes, bytes]:
            return {key: value async for key, value in snapshot.range()}  # type: ignore[attr-defined]

        return drive(go())

    @rule(name=st.sampled_from("ab"))
    def save(self, name: str) -> None:
        if name not in self.named:
            try:
                drive(self.store.save_snapshot(name))
            except OutOfSpace:
                return
            self.named[name] = dict(self.model)

    @rule(name=st.sampled_from("ab"))
    def drop(self, name: str) -> None:
        if self.named.pop(name, None) is not None:
            try:
                drive(self.store.drop_snapshot(name))
            except OutOfSpace:
                assert self.readers, "only readers may keep a snapshot from being dropped"
                self.open()
                self.named[name] = self.all(drive(self.store.open_snapshot(name)))

    @rule()
    def checkpoint(self) -> None:
        try:
            drive(self.store.checkpoint())
        except OutOfSpace:
            assert self.readers or self.named

    @rule()
    def compact(self) -> None:
        try:
            drive(self.store.compact())
        except OutOfSpace:
            pass

    @rule(checkpoint=st.booleans())
    def reopen(self, checkpoint: bool) -> None:
        for snapshot, _ in self.readers:
            snapshot.close()
        drive(self.store.close(checkpoint=checkpoint))
        self.open()

    @rule()
    def cut(self) -> None:
        self.disk.cut()
        self.open()

    @invariant()
    def named_are_kept(self) -> None:
        if hasattr(self, "store"):
            assert self.store.snapshots() == list(self.named)
            stats = self.store.stats()
            assert stats.used + stats.free + stats.fixed == stats.pages

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.all(self.store) == self.model
        for snapshot, wanted in self.readers:
            assert self.all(snapshot) == wanted
            snapshot.close()
        for name, kept in self.named.items():
            assert self.all(drive(self.store.open_snapshot(name))) == kept
        drive(self.store.checkpoint())
        report = drive(check_store(self.disk))
        assert report.problems == []
        assert (report.used, report.free) == (self.store.stats().used, self.store.stats().free)


def test_the_store_is_a_sorted_dict() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(settings.default.max_examples, 150),  # type: ignore[union-attr]
            stateful_step_count=80,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
