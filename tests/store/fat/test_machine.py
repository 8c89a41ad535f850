"""The file system beside dicts: hypothesis makes the calls, both answer alike; fsck.fat judges the end of each run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fata.device.kv import InvalidKey, KvError, NoSpace
from fata.disk.fat.plan import Wish
from fata.driver.block.ramdisk import RamDisk
from fata.runtime.drive import drive
from fata.store.fat.check import check
from fata.store.fat.mount import format_volume, mount
from tests.store.fat import judges
from tests.store.fat.power_cuts import tree_of
from tests.store.fat.tree_model import TreeModel

pytestmark = [pytest.mark.slow, pytest.mark.peer]

SHAPES = [
    (Wish(12, root_entries=64), 200),  # small enough to be full often
    (Wish(12, 1024, 2048), 3000),
    (Wish(16, cluster_size=512), 4400),
    (Wish(32, cluster_size=512), 67_000),
]
SEGMENTS = st.sampled_from(
    [
        "a",
        "A",
        "b.txt",
        "B.TXT",
        "two words",
        "Two Words",
        "é",
        "É",
        "l" * 100,
        "L" * 100,
        "twelve chars",
        "thirteen char",
    ]
)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
SIZES = st.sampled_from([0, 1, 31, 511, 512, 513, 1024, 3000, 9000])
Call = tuple[Any, ...]
CALLS = st.one_of(
    st.tuples(st.just("store"), KEYS, SIZES),
    st.tuples(st.just("append"), KEYS, SIZES),
    st.tuples(st.just("write"), KEYS, SIZES, SIZES),
    st.tuples(st.sampled_from(["truncate", "allocate"]), KEYS, SIZES),
    st.tuples(st.sampled_from(["mkdir", "mkdir", "rmdir", "remove", "remove_tree", "read"]), KEYS),
    st.tuples(st.just("rename"), KEYS, KEYS),
)


class FatMachine(RuleBasedStateMachine):
    """A volume beside the model."""

    operations = 0  # in all runs

    def __init__(self) -> None:
        super().__init__()
        self.model = TreeModel()
        self.written = 0

    @initialize(shape=st.sampled_from(SHAPES), sync=st.booleans())
    def begin(self, shape: tuple[Wish, int], sync: bool) -> None:
        wish, sectors = shape
        self.disk = RamDisk(sectors * wish.sector_size // 512)
        self.sync = sync
        drive(format_volume(self.disk, wish))
        self.mount()

    def mount(self) -> None:
        self.files = drive(mount(self.disk, sync="op" if self.sync else "flush"))

    @rule(calls=st.lists(CALLS, min_size=5, max_size=15))
    def call(self, calls: list[Call]) -> None:
        FatMachine.operations += len(calls)
        for call in calls:
            self.answer(self.with_data(call))

    def with_data(self, call: Call) -> Call:
        """Put octets in place of a call's last number, where it writes."""
        if call[0] not in ("store", "append", "write"):
            return call
        self.written += 1
        return (*call[:-1], (b"%07d " % self.written * (call[-1] // 8 + 1))[: call[-1]])

    def answer(self, call: Call) -> None:
        """Make a call on both; what only one of them does is a fault, but for running out of space."""
        answers: list[object] = []
        for files in (self.files, self.model):
            try:
                done = getattr(files, call[0])(*call[1:])
                answers.append(drive(done) if files is self.files else done)
            except NoSpace:
                return
            except (KvError, InvalidKey) as error:
                answers.append(type(error))
        assert answers[0] == answers[1], call

    @rule()
    def compare(self) -> None:
        assert drive(tree_of(self.files)) == self.model.tree()

    @rule()
    def flush(self) -> None:
        drive(self.files.flush())

    @rule()
    def mount_again(self) -> None:
        drive(self.files.close())
        self.mount()

    def teardown(self) -> None:
        if not hasattr(self, "files"):
            return
        assert drive(tree_of(self.files)) == self.model.tree()
        free = self.files.info().free_clusters
        drive(self.files.close())
        assert drive(check(self.disk)) == []
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "image"
            judges.save(self.disk, image)
            assert judges.complaints(image) == []
        self.mount()
        assert drive(tree_of(self.files)) == self.model.tree()
        assert self.files.info().free_clusters == free


def test_a_volume_answers_like_dicts() -> None:
    run_state_machine_as_test(FatMachine, settings=settings(max_examples=100, stateful_step_count=30))
    assert FatMachine.operations > 2000
