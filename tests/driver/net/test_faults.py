"""The faulty cable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.net import Checksum, Segmentation, SentFrame
from fata.driver.net.faults import NO_FAULTS, FaultyNet
from fata.driver.net.line import Blackout, Faults, Line, is_empty_tcp
from fata.driver.net.switch import Port, Switch
from fata.driver.net.tap import OFFLOADS
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import ConfigError, StateError
from fata.runtime.loop import Loop
from tests.conformance.net import FAR_MAC, NetContract, Rig, frame_of, number_of
from tests.conformance.net_offload import check_checksum, large_frame, pattern
from tests.driver.net.test_switch import NEAR_MAC, FarPort

FRAME = bytes(range(100))


def carry_many(faults: Faults, count: int = 10_000, seed: str = "1", frame: bytes = FRAME, gap: float = 0.0) -> Any:
    """Return a line that has carried `count` frames, and all that it gave back."""
    line = Line(seed, faults)
    return line, [came for number in range(count) for came in line.carry(frame, number * gap)]


def rig_of(sending: Faults = NO_FAULTS, receiving: Faults = NO_FAULTS, seed: int = 1, **options: Any) -> Rig:
    poller = VirtualPoller()
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC))
    port = switch.port(NEAR_MAC, **options)
    net = FaultyNet(port, poller, poller.schedule, seed=seed, sending=sending, receiving=receiving)
    return Rig(net, far, poller)


VARIANTS = {
    "no faults": Faults(),
    "late": Faults(delay=0.01, jitter=0.02),
    "slow": Faults(rate=1e9),
}


@pytest.mark.parametrize("faults", VARIANTS.values(), ids=VARIANTS)
class TestFaultyNet(NetContract):
    """With nothing lost and the order kept, it is a device as any other."""

    @pytest.fixture
    def rig(self, faults: Faults) -> Iterator[Rig]:
        rig = rig_of(faults, faults)
        yield rig
        rig.poller.close()


class TestOverOffloads(NetContract):
    """It takes the offloads away from the device beneath."""

    @pytest.fixture
    def rig(self) -> Rig:
        rig = rig_of(capabilities=OFFLOADS)
        assert not any(rig.net.capabilities)
        return rig


def test_nothing_happens_by_default() -> None:
    line, came = carry_many(Faults(), 10)
    assert came == [(0.0, FRAME)] * 10
    assert (line.counters.carried, line.counters.octets) == (10, 1000)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_a_share_is_lost(share: float) -> None:
    line, came = carry_many(Faults(loss=share))
    assert line.counters.lost == 10_000 - len(came)
    assert abs(line.counters.lost - 10_000 * share) < 200


def test_a_share_arrives_twice() -> None:
    line, came = carry_many(Faults(duplicate=0.1))
    assert len(came) == 10_000 + line.counters.duplicated
    assert 800 < line.counters.duplicated < 1200


def test_a_share_has_one_bit_inverted_anywhere() -> None:
    line, came = carry_many(Faults(corrupt=0.5))
    spoiled = [frame for _moment, frame in came if frame != FRAME]
    assert len(spoiled) == line.counters.corrupted
    places = set()
    for frame in spoiled:
        (place,) = (index for index in range(100) if frame[index] != FRAME[index])
        assert (frame[place] ^ FRAME[place]).bit_count() == 1
        places.add(place)
    assert places == set(range(100))


def test_frames_take_their_time_and_keep_their_order() -> None:
    _line, came = carry_many(Faults(delay=1.0, jitter=0.5), 1000, gap=0.001)
    moments = [moment for moment, _frame in came]
    assert moments == sorted(moments)
    assert all(1.0 <= moment - number * 0.001 <= 1.5 for number, moment in enumerate(moments))


def test_some_are_overtaken() -> None:
    line, came = carry_many(Faults(reorder=0.1, reorder_delay=0.005), 1000, gap=0.001)
    late = [number for number, (moment, _frame) in enumerate(came) if moment > number * 0.001]
    assert len(late) == line.counters.reordered
    assert 60 < len(late) < 140


def test_a_rate_is_kept_and_what_waits_is_bounded() -> None:
    line, came = carry_many(Faults(rate=8000.0, queue=350), 10)
    assert [moment for moment, _frame in came] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert line.counters.overflowed == 6
    assert line.carry(FRAME, 5.0) == [(pytest.approx(5.1), FRAME)]


def test_rubbish_follows() -> None:
    _line, came = carry_many(Faults(trailing=7), 10)
    assert all(frame.startswith(FRAME) and len(frame) == 107 for _moment, frame in came)
    assert len({frame for _moment, frame in came}) == 10


def test_a_frame_beyond_the_mtu_is_lost() -> None:
    line = Line("1", Faults(mtu=600))
    assert line.carry(bytes(614), 0.0)
    assert not line.carry(bytes(615), 0.0)
    assert line.counters.too_large == 1


def test_nothing_passes_in_a_blackout() -> None:
    line = Line("1", Faults(blackouts=(Blackout(1.0, at=5.0), Blackout(1.0, at=8.0))))
    passed = [moment for moment in range(10) if line.carry(FRAME, float(moment))]
    assert passed == [0, 1, 2, 3, 4, 6, 7, 9]
    assert line.counters.unplugged == 2


def test_a_blackout_begins_after_so_many_octets_once() -> None:
    line = Line("1", Faults(blackouts=(Blackout(2.0, after_octets=250),)))
    passed = [moment for moment in range(10) if line.carry(FRAME, float(moment))]
    assert passed == [0, 1, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", [Segmentation.TCP4, Segmentation.TCP6])
def test_only_segments_that_carry_nothing_are_lost(kind: Segmentation) -> None:
    def segment(flags: int, payload: bytes) -> bytes:
        whole = bytearray(b"".join(large_frame(kind, payload, NEAR_MAC).buffers))
        whole[14 + (20 if kind is Segmentation.TCP4 else 40) + 13] = flags
        return bytes(whole)

    line = Line("1", Faults(loss_of_empty=1.0))
    assert line.carry(segment(0x10, b""), 0.0) == []
    assert line.carry(segment(0x10, b"") + b"padding", 0.0) == []
    for flags in (0x02, 0x12, 0x11, 0x04):
        assert line.carry(segment(flags, b""), 0.0)
    assert line.carry(segment(0x10, b"x"), 0.0)
    assert line.carry(bytes(60), 0.0)
    assert line.counters.lost_empty == 2


@given(st.binary(max_size=100))
def test_any_octets_are_looked_at(octets: bytes) -> None:
    is_empty_tcp(octets)
    is_empty_tcp(bytes(12) + b"\x08\x00" + octets)
    is_empty_tcp(bytes(12) + b"\x86\xdd" + octets)


EVERYTHING = Faults(0.1, 0.1, 0.1, 0.1, 0.1, 0.003, 0.01, 0.01, 1e7, 5000, 1500, 3)


def test_equal_seeds_fare_equally() -> None:
    first, second = (carry_many(EVERYTHING, 1000, gap=0.001)[1] for _ in range(2))
    assert first == second
    assert first != carry_many(EVERYTHING, 1000, seed="2", gap=0.001)[1]


@pytest.mark.parametrize(
    "wrong",
    [{"loss": 1.1}, {"corrupt": -0.1}, {"delay": -1}, {"jitter": float("nan")}, {"rate": 0}, {"queue": -1}],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"faults: .*{next(iter(wrong))}"):
        Faults(**wrong)


def send(rig: Rig, numbers: Sequence[int]) -> None:
    assert rig.net.send([SentFrame([frame_of(rig, number)]) for number in numbers]) == len(numbers)


def wait(rig: Rig, seconds: float) -> None:
    until = rig.poller.monotonic() + seconds
    while rig.poller.monotonic() < until:
        rig.poller.wait(until)


def test_each_direction_has_its_own_faults() -> None:
    rig = rig_of(sending=Faults(loss=1.0))
    send(rig, [1, 2])
    assert rig.far.collect() == []
    rig.far.transmit(frame_of(rig, 3, inwards=True))
    assert len(rig.net.receive()) == 1


def test_frames_come_at_their_moment() -> None:
    rig = rig_of(Faults(delay=0.5), Faults(delay=2.0))
    came: list[float] = []
    rig.net.watch(lambda: came.extend(rig.poller.monotonic() for _ in rig.net.receive()), lambda: None)
    rig.far.transmit(frame_of(rig, 1, inwards=True))
    send(rig, [2])
    wait(rig, 0.49)
    assert not rig.far.collect()
    wait(rig, 0.02)
    assert [number_of(frame) for frame in rig.far.collect()] == [2]
    wait(rig, 10)
    assert came == [2.0]


def test_unplugged_nothing_passes_and_what_was_on_its_way_is_lost() -> None:
    rig = rig_of(Faults(delay=1.0), Faults(delay=1.0))
    net = rig.net
    assert isinstance(net, FaultyNet)
    net.watch(lambda: None, lambda: None)
    send(rig, [1])
    rig.far.transmit(frame_of(rig, 2, inwards=True))
    assert net.receive() == []
    net.unplug()
    send(rig, [3])
    wait(rig, 2)
    net.plug()
    send(rig, [4])
    rig.far.transmit(frame_of(rig, 5, inwards=True))
    assert net.receive() == []
    wait(rig, 2)
    assert [number_of(frame) for frame in rig.far.collect()] == [4]
    assert [number_of(frame.data) for frame in net.receive()] == [5]
    assert (net.sending.counters.unplugged, net.receiving.counters.unplugged) == (2, 1)


def test_large_frames_are_cut_before_they_are_lost() -> None:
    rig = rig_of(receiving=Faults(loss=0.3), capabilities=OFFLOADS)
    net = rig.net
    assert isinstance(net, FaultyNet)
    source = Switch(rig.poller).port(FAR_MAC, capabilities=OFFLOADS)
    assert isinstance(rig.far, FarPort)
    large = rig.far.port._switch.port(bytes.fromhex("020000000055"), capabilities=OFFLOADS)
    large.send([large_frame(Segmentation.TCP4, pattern(50_000), source.mac, NEAR_MAC)])
    received = net.receive()
    assert net.receiving.counters.carried == 50
    assert len(received) == 50 - net.receiving.counters.lost
    assert 0 < len(received) < 50
    for frame in received:
        check_checksum(frame.data)
        assert frame.checksum is Checksum.UNKNOWN


def test_rubbish_is_cut_where_the_device_beneath_takes_no_more() -> None:
    rig = rig_of(sending=Faults(trailing=100))
    rig.net.send([SentFrame([frame_of(rig, 1, 1500)])])
    rig.net.send([SentFrame([frame_of(rig, 2, 60)])])
    assert [len(frame) for frame in rig.far.collect()] == [1514, 160]


class FullPort(Port):
    """A device that takes frames only when it has room."""

    room = 0

    def watch(self, readable: Any, writable: Any) -> None:
        self.writable = writable
        super().watch(readable, writable)

    def send(self, frames: Sequence[SentFrame]) -> int:
        accepted = min(self.room, len(frames))
        self.room -= accepted
        return super().send(frames[:accepted])


def test_a_full_device_beneath_is_told_to_the_owner() -> None:
    poller = VirtualPoller()
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC))
    port = FullPort(switch, poller, NEAR_MAC, 1500, OFFLOADS, 100)
    switch._ports.append(port)
    net = FaultyNet(port, poller, poller.schedule, seed=1)
    rig = Rig(net, far, poller)
    room: list[int] = []
    net.watch(lambda: None, lambda: room.append(1))
    frames = [SentFrame([frame_of(rig, number)]) for number in range(4)]
    port.room = 1
    assert net.send(frames) == 2  # the second one waits in the cable
    assert net.send(frames[2:]) == 0
    port.writable()
    assert not room
    port.room = 5
    port.writable()
    assert room == [1]
    assert net.send(frames[2:]) == 2
    port.writable()
    assert room == [1]
    assert [number_of(frame) for frame in far.collect()] == [0, 1, 2, 3]


def test_closed_nothing_comes_late() -> None:
    rig = rig_of(Faults(delay=1.0), Faults(delay=1.0))
    calls: list[int] = []
    rig.net.watch(lambda: calls.append(len(rig.net.receive())), lambda: None)
    send(rig, [1])
    rig.far.transmit(frame_of(rig, 1, inwards=True))
    rig.poller.wait(0.5)
    asyncio.run(rig.net.close())
    wait(rig, 3)
    assert calls == [0]
    assert rig.far.collect() == []
    with pytest.raises(StateError):
        rig.net.receive()


def test_the_loops_own_timers_serve_as_well() -> None:
    poller = VirtualPoller()
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC))

    async def play() -> list[bytes]:
        loop = asyncio.get_running_loop()
        net = FaultyNet(switch.port(NEAR_MAC), poller, loop.call_at, seed=1, sending=Faults(delay=3.0))
        net.send([SentFrame([frame_of(Rig(net, far, poller), 1)])])
        await asyncio.sleep(2.9)
        assert far.collect() == []
        await asyncio.sleep(0.2)
        return far.collect()

    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        assert len(runner.run(play())) == 1
