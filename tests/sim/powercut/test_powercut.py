"""The power-cut checker: which states it knows, that it lets a right store pass, and that it catches each wrong one."""

from __future__ import annotations

import asyncio
from itertools import permutations
from random import Random
from typing import Any

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.errors import DeviceError, StateError
from fata.runtime.drive import drive
from fata.sim.powercut import Cut, Recorder, Violation, campaign, check, record_over, replay
from fata.sim.powercut.image import weigh
from fata.sim.suspending import SuspendingBlock
from tests.sim.powercut.toy_store import BUGS, judge, recovering, work

A, B, C, ZERO = b"a" * 512, b"b" * 512, b"c" * 512, bytes(512)


def images(disk: Recorder, **options: Any) -> set[bytes]:
    """Return every image that a cut can leave: a letter for each sector, "." for zeros."""
    found: set[bytes] = set()

    async def recover(crashed: Recorder) -> None:
        octets = await crashed.read(0, crashed.sectors)
        found.add(octets[:: crashed.sector_size].replace(b"\0", b"."))

    check(disk.record, recover, lambda seen, promise: None, **options)
    return found


def test_any_subset_of_what_is_not_flushed_may_be_there() -> None:
    disk = Recorder(RamDisk(3))

    async def go() -> None:
        await disk.write(0, A)
        await disk.write(2, B)

    drive(go())
    assert images(disk) == {b"...", b"a..", b"..b", b"a.b"}


def test_what_is_flushed_is_there() -> None:
    disk = Recorder(RamDisk(3))

    async def go() -> None:
        await disk.write(0, A)
        await disk.flush()
        await disk.write(1, B)

    drive(go())
    assert images(disk) == {b"...", b"a..", b"ab."}


def test_a_write_is_torn_between_sectors() -> None:
    disk = Recorder(RamDisk(2))
    drive(disk.write(0, A + B))
    assert images(disk) == {b"..", b"a.", b".b", b"ab"}


def test_the_elder_of_two_writes_may_survive() -> None:
    disk = Recorder(RamDisk(1))

    async def go() -> None:
        await disk.write(0, A)
        await disk.flush()
        await disk.write(0, B)
        await disk.write(0, C)

    drive(go())
    assert images(disk) == {b".", b"a", b"b", b"c"}


def test_a_discarded_sector_is_old_or_zeros_until_it_is_written_again() -> None:
    disk = Recorder(RamDisk(1))

    async def go() -> None:
        await disk.write(0, A)
        await disk.flush()
        await disk.discard(0, 1)
        await disk.flush()
        await disk.write(0, B)
        await disk.flush()

    drive(go())
    assert images(disk) == {b".", b"a", b"b"}
    disk.record.events = disk.record.events[4:]  # only what follows the second flush
    disk.record.before = {0: A}
    assert images(disk) == {b"a", b"b"}


def test_a_flush_does_not_cover_a_write_that_is_under_way() -> None:
    disk = Recorder(SuspendingBlock(RamDisk(2)))

    async def go() -> None:
        writing = asyncio.ensure_future(disk.write(0, A))
        await asyncio.sleep(0)
        await disk.flush()
        await writing
        await disk.write(1, B)
        await disk.flush()

    asyncio.run(go())
    assert images(disk) == {b"..", b"a.", b".b", b"ab"}  # "a" was in doubt until the second flush


class _Failing(RamDisk):
    async def write(self, sector: int, data: Any) -> None:
        if bytes(data) == A:
            raise DeviceError("no")
        await super().write(sector, data)


def test_a_write_that_failed_is_in_doubt_until_its_sector_is_written_again() -> None:
    disk = Recorder(_Failing(2))

    async def go() -> None:
        with pytest.raises(DeviceError):
            await disk.write(0, A)
        await disk.flush()
        await disk.write(0, B)
        await disk.flush()
        await disk.write(1, C)

    drive(go())
    assert images(disk) == {b"..", b"a.", b"b.", b"bc"}


def test_a_disk_may_hold_something_before() -> None:
    inner = RamDisk(3)
    drive(inner.write(1, C))
    disk = drive(record_over(inner))
    drive(disk.write(0, A))
    assert images(disk) == {b".c.", b"ac."}
    assert drive(inner.read(0, 1)) == A


def test_refused_writes_are_no_writes() -> None:
    disk = Recorder(RamDisk(2))
    for sector, octets in ((2, A), (-1, A), (0, b"x"), (0, A + B + C)):
        with pytest.raises(StateError):
            drive(disk.write(sector, octets))
    drive(disk.write(0, b""))
    assert images(disk) == {b".."}


def test_images_are_told_apart_by_which_sector_holds_what() -> None:
    """Every arrangement of 6 contents is another image, though the contents are the same."""
    weights = set()
    contents = [bytes([letter]) * 512 for letter in range(1, 7)]
    for arrangement in permutations(contents):
        weights.add(sum(weigh(sector, content) for sector, content in enumerate(arrangement)))
    assert len(weights) == 720


def test_a_large_moment_shows_every_prefix_and_every_loss() -> None:
    disk = Recorder(RamDisk(40))

    async def go() -> None:
        for sector in range(40):
            await disk.write(sector, A)

    drive(go())
    seen = images(disk, limit=100)
    assert {b"a" * count + b"." * (40 - count) for count in range(41)} <= seen
    assert {b"a" * lost + b"." + b"a" * (39 - lost) for lost in range(40)} <= seen
    assert {b"." * there + b"a" + b"." * (39 - there) for there in range(40)} <= seen
    assert len(seen) > 150


def test_recovery_is_cut_as_well() -> None:
    disk = Recorder(RamDisk(3))
    drive(disk.write(0, A))
    found: set[bytes] = set()

    async def recover(crashed: Recorder) -> None:
        found.add((await crashed.read(0, 3))[::512].replace(b"\0", b"."))
        await crashed.write(1, B)
        await crashed.flush()
        await crashed.write(2, C)
        crashed.stop()
        await crashed.write(0, C)

    def accept(seen: None, promise: object) -> None:
        pass

    assert check(disk.record, recover, accept, depth=0).states == 2
    assert found == {b"...", b"a.."}
    report = check(disk.record, recover, accept)
    assert found == {b"...", b"a..", b".b.", b"ab.", b".bc", b"abc"}
    assert report.classes == {"start": 2, "recovery": 4}
    assert report.states == 6


def test_a_right_store_passes_and_the_report_tells_how_it_was_judged() -> None:
    report = check(drive(work(Random(1))), recovering(()), judge, seed=1, depth=2)
    assert report.classes["value"] > 20
    assert report.classes["superblock"] >= 4
    assert report.classes["recovery"] >= 8
    assert str(report).startswith(f"power cuts: {report.states} distinct states, 0 violations, seed 1: value ")
    assert report.states == sum(report.classes.values())


@pytest.mark.parametrize("bug", BUGS)
def test_a_wrong_store_is_caught_and_the_failure_can_be_repeated(bug: str) -> None:
    record = drive(work(Random(2), [bug]))
    with pytest.raises(Violation) as caught:
        check(record, recovering([bug]), judge)
    cut = caught.value.cut
    assert repr(cut) in str(caught.value)
    with pytest.raises(Violation):
        replay(record, cut, recovering([bug]), judge)


def test_the_bugs_of_a_recovery_need_cuts_in_it() -> None:
    for bug in BUGS:
        if "recovery" in bug:
            check(drive(work(Random(2), [bug])), recovering([bug]), judge, depth=0)


def test_a_failure_is_made_small() -> None:
    """Of 30 writes, that one has arrived without the other is all that matters."""
    disk = Recorder(RamDisk(30))

    async def go() -> None:
        for sector in range(30):
            await disk.write(sector, A)

    async def recover(crashed: Recorder) -> bytes:
        return (await crashed.read(0, 30))[::512]

    def order(seen: bytes, _promise: object) -> None:
        assert not (seen[20] and not seen[10])

    drive(go())
    with pytest.raises(Violation) as caught:
        check(disk.record, recover, order)
    assert caught.value.cut == Cut(30, ((20, 20),))
    assert "write 20 (start) of sectors 20: arrived" in str(caught.value)
    assert "write 10 (start) of sectors 10: lost" in str(caught.value)


def test_a_cut_that_the_record_does_not_have_is_refused() -> None:
    disk = Recorder(RamDisk(2))
    drive(disk.write(0, A))
    for cut in (Cut(9, ()), Cut(1, ((1, 0),)), Cut(1, ((0, 5),))):
        with pytest.raises(StateError):
            replay(disk.record, cut, recovering(()), judge)


def test_a_campaign_goes_on_until_it_has_seen_enough() -> None:
    report = campaign(lambda rng: drive(work(rng)), recovering(()), judge, states=500, seed=3)
    assert 500 <= report.states < 700
    again = campaign(lambda rng: drive(work(rng)), recovering(()), judge, states=500, seed=3)
    assert again.classes == report.classes


def test_a_campaign_that_finds_nothing_new_says_so() -> None:
    with pytest.raises(StateError, match="no new states"):
        campaign(lambda rng: drive(work(Random(1))), recovering(()), judge, states=10_000)


def test_a_campaign_says_in_which_round_it_failed() -> None:
    with pytest.raises(Violation) as caught:
        campaign(lambda rng: drive(work(rng, BUGS[:1])), recovering(BUGS[:1]), judge, states=500, seed=3)
    assert "Random('3/0')" in caught.value.__notes__[0]
