"""virtio-net over a card in Python."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fata.device.net import ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Software
from fata.driver.net.switch import Port, Switch
from fata.driver.net.tap import OFFLOADS
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import net
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.net import VirtioNet
from fata.driver.virtio.session import EVENT_IDX
from fata.errors import DeviceError
from tests.conformance.net import FAR_MAC, NetContract, Rig, frame_of
from tests.conformance.net_offload import NetOffloadContract, OffloadRig, large_frame, pattern
from tests.conformance.net_raw import NetRawContract
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_net import ModelNet

MAC = bytes.fromhex("020000000001")
SOURCE_MAC = bytes.fromhex("020000000002")
EVENT_BIT = EVENT_IDX.bit_length() - 1
BITS = [EVENT_BIT, net.CSUM, net.GUEST_CSUM, net.MTU, net.MAC, net.GUEST_TSO4, net.GUEST_TSO6]
BITS += [net.HOST_TSO4, net.HOST_TSO6, net.MRG_RXBUF]


class FarPort:
    """Another port of the switch as the far end."""

    def __init__(self, port: Port) -> None:
        self.port = port

    def transmit(self, frame: bytes) -> None:
        self.port.send([SentFrame([frame])])

    def collect(self) -> list[bytes]:
        return [frame.data for frame in self.port.receive()]


class Bench(NamedTuple):
    """A driver, its card, and the switch behind it."""

    net: VirtioNet
    card: ModelNet
    far: FarPort
    switch: Switch
    poller: VirtualPoller


def bench(*, masked: int = 0, mtu: int = 1500, limit: int = 256) -> Bench:
    """Make them; `masked` are features that the card does not offer."""
    poller = VirtualPoller()
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC, mtu=mtu))
    line = Software("the card's interrupt")
    memory = ModelMemory()
    card = ModelNet(memory, lambda: poller.wake(line), switch, MAC, masked=masked, mtu=mtu, limit=limit)
    return Bench(VirtioNet(Mmio("card", card), memory, poller, line), card, far, switch, poller)


class TestVirtioNet(NetContract):
    @pytest.fixture(params=[None, *BITS])
    def rig(self, request: pytest.FixtureRequest) -> Iterator[Rig]:
        """Every feature is off in turn."""
        made = bench(masked=0 if request.param is None else 1 << request.param)
        yield Rig(made.net, made.far, made.poller)
        made.poller.close()


class TestVirtioNetWithoutAnything(NetContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        made = bench(masked=net.WANTED | EVENT_IDX, limit=4)
        yield Rig(made.net, made.far, made.poller)
        made.poller.close()


class TestVirtioNetOffload(NetOffloadContract):
    @pytest.fixture
    def rig(self) -> Iterator[OffloadRig]:
        made = bench()
        source = made.switch.port(SOURCE_MAC, capabilities=OFFLOADS)
        yield OffloadRig(made.net, made.far, source, made.poller)
        made.poller.close()


class TestVirtioNetRaw(NetRawContract):
    rig = TestVirtioNetOffload.rig


@pytest.mark.parametrize("bit", [None, EVENT_BIT])
def test_a_full_card_calls_when_it_takes_more(bit: int | None) -> None:
    made = bench(masked=0 if bit is None else 1 << bit)
    room: list[int] = []
    made.net.watch(lambda: None, lambda: room.append(1))
    made.card.stuck = True
    frames = [SentFrame([frame_of(Rig(made.net, made.far, made.poller), number)]) for number in range(300)]
    accepted = made.net.send(frames)
    assert accepted == 256
    assert made.net.send(frames[accepted:]) == 0
    made.poller.wait(made.poller.monotonic())
    assert not room
    made.card.stuck = False
    made.card.transmit()
    made.poller.wait(made.poller.monotonic())
    assert room == [1]
    assert made.net.send(frames[accepted:]) == 44
    made.poller.wait(made.poller.monotonic())
    assert room == [1]


def test_a_list_of_frames_is_one_notification_and_no_interrupt() -> None:
    made = bench()
    rig = Rig(made.net, made.far, made.poller)
    before = made.card.notified
    for _ in range(10):
        made.net.send([SentFrame([frame_of(rig, number)]) for number in range(60)])
    assert made.card.notified - before == 10
    assert made.card.interrupts == 0


def test_large_segments_reach_the_card_whole() -> None:
    made = bench()
    frame = large_frame(Segmentation.TCP4, pattern(64_000), MAC)
    assert made.net.send([frame]) == 1
    (sent,) = made.card.sent
    assert (b"".join(sent.buffers), sent.segmentation, sent.segment_size) == (
        b"".join(frame.buffers),
        Segmentation.TCP4,
        1000,
    )


def test_frames_pass_as_they_lie_in_memory() -> None:
    made = bench()
    rig = Rig(made.net, made.far, made.poller)
    assert made.net.raw.tcp_header is not None
    frame = frame_of(rig, 1, 200)
    assert made.net.send_raw([made.net.raw.tcp_header + frame, SentFrame([frame])]) == 2
    completed, plain = made.card.sent
    assert (completed.buffers, completed.checksum_start, completed.checksum_offset) == ([frame], 34, 16)
    assert (plain.buffers, plain.checksum_start) == ([frame], -1)
    made.far.transmit(frame := frame_of(rig, 2, inwards=True))
    made.poller.wait(made.poller.monotonic())
    (octets,) = made.net.receive_raw()
    assert octets == bytes(10) + b"\1\0" + frame
    assert made.net.interpret(octets) == ReceivedFrame(frame)
    assert bench(masked=1 << net.CSUM).net.raw.tcp_header is None


def test_the_arena_takes_large_and_small_frames_for_ever() -> None:
    made = bench()
    rig = Rig(made.net, made.far, made.poller)
    for number in range(60):
        large = large_frame(Segmentation.TCP6, pattern(20_000 + 300 * (number % 150)), MAC)
        assert made.net.send([large, SentFrame([frame_of(rig, number)])]) == 2
    assert len(made.card.sent) == 120


def test_a_large_mtu_is_taken() -> None:
    made = bench(mtu=9000)
    rig = Rig(made.net, made.far, made.poller)
    assert made.net.mtu == 9000
    made.far.transmit(sent := frame_of(rig, 1, 9014, inwards=True))
    made.poller.wait(made.poller.monotonic())
    assert [frame.data for frame in made.net.receive()] == [sent]


def test_a_huge_mtu_without_merged_buffers_takes_no_more_memory() -> None:
    made = bench(mtu=65_000, masked=1 << net.MRG_RXBUF)
    rig = Rig(made.net, made.far, made.poller)
    for number in range(40):
        made.far.transmit(sent := frame_of(rig, number, 65_014, inwards=True))
        made.poller.wait(made.poller.monotonic())
        assert [frame.data for frame in made.net.receive()] == [sent]
    assert made.card.memory.taken < net.RECEIVE_ROOM + net.ARENA + 16 * 4096


def header_of(card: ModelNet, header: bytes, data: bytes, *, buffers: int = 1) -> None:
    """Have the card deliver a frame behind a header of its own making."""
    queue = card.queues[net.RECEIVING]
    chain = queue.next()
    assert chain is not None
    written = chain.write(header + buffers.to_bytes(2, "little") + data)
    queue.put(chain.head, written)
    card.show(queue)


@pytest.mark.parametrize(
    ("masked", "header", "data"),
    [
        (0, bytes([0, 9]) + bytes(8), bytes(60)),  # segmentation of a kind that does not exist
        (0, bytes([1, 1]) + bytes(8), bytes(60)),  # segments of no octets
        (0, bytes(10), bytes(13)),  # no room for an Ethernet header
        (0, bytes(10), bytes(1600)),  # larger than the MTU
        (1 << net.GUEST_CSUM, bytes([1, 0]) + bytes(8), bytes(60)),  # a partial checksum that nobody has allowed
        (1 << net.GUEST_TSO4, bytes([1, 1, 0, 0, 100, 0]) + bytes(4), bytes(60)),  # a large frame likewise
    ],
    ids=["kind", "no octets", "too small", "too large", "checksum", "segmentation"],
)
def test_a_frame_that_makes_no_sense_is_counted(masked: int, header: bytes, data: bytes) -> None:
    made = bench(masked=masked)
    header_of(made.card, header, data)
    assert made.net.receive() == []
    assert made.net.malformed == 1
    made.far.transmit(frame_of(Rig(made.net, made.far, made.poller), 1, inwards=True))
    made.poller.wait(made.poller.monotonic())
    assert len(made.net.receive()) == 1


def test_a_device_that_breaks_the_rules_is_given_up() -> None:
    made = bench()
    calls: list[str] = []
    made.net.watch(lambda: calls.append("readable"), lambda: calls.append("writable"))
    header_of(made.card, bytes(10), bytes(60), buffers=7)
    made.poller.wait(made.poller.monotonic())
    assert set(calls) == {"readable"}
    with pytest.raises(DeviceError, match="in 7 buffers, where 1 came back"):
        made.net.receive()
    assert made.card.status == 0, "it could still write into our memory"
    assert made.net.receive() == []
    with pytest.raises(DeviceError):
        made.net.send([SentFrame([bytes(60)])])
    asyncio.run(made.net.close())


@pytest.mark.parametrize(
    ("place", "octets", "message"),
    [(0, b"\x01", "no address of a card"), (0, bytes(6), "no address"), (10, b"\x10\0", "an MTU of 16 octets")],
)
def test_a_configuration_that_cannot_be_is_told(place: int, octets: bytes, message: str) -> None:
    poller, memory = VirtualPoller(), ModelMemory()
    card = ModelNet(memory, lambda: None, Switch(poller), MAC)
    card.config[place : place + len(octets)] = octets
    with pytest.raises(DeviceError, match=message):
        VirtioNet(Mmio("card", card), memory, poller, Software("line"))


def test_a_driver_that_masks_features_does_not_use_them() -> None:
    poller, memory = VirtualPoller(), ModelMemory()
    card = ModelNet(memory, lambda: None, Switch(poller), MAC)
    driver = VirtioNet(Mmio("card", card), memory, poller, Software("line"), masked=1 << net.CSUM)
    assert not driver.capabilities.send_checksum
    assert not driver.capabilities.send_segmentation
    assert not card.accepted >> net.HOST_TSO4 & 1
