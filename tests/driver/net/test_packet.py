"""A packet socket on one end of a veth pair, the kernel at the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fata.device.net import ReceivedFrame, SentFrame
from fata.device.poller import Poller
from fata.driver.net import ring_packet
from fata.driver.net.packet import Packet
from fata.driver.net.ring_packet import RingPacket
from fata.errors import Unavailable
from fata.runtime.direct import open_interface
from tests.conformance.net import FAR_MAC, NetContract, Rig, frame_of
from tests.conformance.net_offload import TYPES, NetOffloadContract, OffloadRig, check_checksum, large_frame, pattern
from tests.conformance.net_raw import NetRawContract
from tests.driver.net.interfaces import assert_others_may_not, assert_removal_is_told_once
from tests.driver.net.raw_socket import RawSocket
from tests.network_namespace import Namespace, namespace

pytestmark = pytest.mark.root

NEAR, FAR = "near", "far"


@pytest.fixture(params=[Packet, RingPacket], autouse=True)
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test over both drivers: `open_packet` makes the one that stands here."""
    monkeypatch.setitem(DRIVER, "packet", request.param)


DRIVER: dict[str, type[Packet]] = {}


@pytest.fixture
def space() -> Iterator[Namespace]:
    with namespace() as made:
        made.add_veth(NEAR, FAR)
        yield made


@pytest.fixture
def far(space: Namespace) -> Iterator[RawSocket]:
    with space.entered():
        made = RawSocket(FAR)
    yield made
    made.close()


def open_packet(space: Namespace, poller: Poller, name: str = NEAR, offload: bool = True, mac: str = "") -> Packet:
    with space.entered():
        return DRIVER["packet"](poller, name, offload=offload, mac=bytes.fromhex(mac) if mac else None)


@pytest.fixture
def packet(space: Namespace, poller: Poller) -> Iterator[Packet]:
    made = open_packet(space, poller)
    yield made
    asyncio.run(made.close())


@pytest.mark.parametrize("offload", [True, False], ids=["offload", "plain"])
class TestPacket(NetContract):
    @pytest.fixture
    def rig(self, space: Namespace, poller: Poller, far: RawSocket, offload: bool) -> Iterator[Rig]:
        packet = open_packet(space, poller, offload=offload)
        yield Rig(packet, far, poller)
        asyncio.run(packet.close())


class TestPacketOffload(NetOffloadContract):
    @pytest.fixture
    def rig(self, space: Namespace, poller: Poller) -> Iterator[OffloadRig]:
        space.stop_offloads(NEAR)
        packet, source = open_packet(space, poller), open_packet(space, poller, FAR)
        with space.entered():
            wire = RawSocket(FAR, *TYPES.values())
        yield OffloadRig(packet, wire, source, poller)
        wire.close()
        for net in (packet, source):
            asyncio.run(net.close())


class TestPacketRaw(NetRawContract):
    rig = TestPacketOffload.rig


def test_rings_are_asked_for_by_name(space: Namespace, poller: Poller, monkeypatch: pytest.MonkeyPatch) -> None:
    with space.entered():
        made = [open_interface(poller, NEAR), open_interface(poller, f"ring:{NEAR}")]
        monkeypatch.setattr(ring_packet, "ORDERED", ())
        with pytest.raises(Unavailable, match="no rings on"):
            open_interface(poller, f"ring:{NEAR}")
        space.ip("tuntap add ringless mode tap")
        space.ip("link set ringless up")
        with pytest.raises(Unavailable, match="a TAP interface has no rings"):
            open_interface(poller, "ring:ringless")
    assert [type(net) for net in made] == [Packet, RingPacket]
    for net in made:
        asyncio.run(net.close())


def test_without_offloads_large_frames_are_cut_here(space: Namespace, poller: Poller) -> None:
    """The other end of a veth sends large frames and no checksums, whatever we would like."""
    plain, source = open_packet(space, poller, offload=False), open_packet(space, poller, FAR)
    assert plain.raw is None
    frames = [large_frame(key, pattern(size), source.mac, plain.mac) for key in TYPES for size in (1, 5500)]
    assert source.send(frames) == 4
    received = plain.receive()
    assert len(received) == 14
    for frame in received:
        check_checksum(frame.data)
        assert frame == ReceivedFrame(frame.data)
    for net in (plain, source):
        asyncio.run(net.close())


def test_its_address_is_the_interfaces(space: Namespace, packet: Packet) -> None:
    assert packet.mac.hex(":") in space.ip(f"link show {NEAR}")


@pytest.mark.parametrize(("mac", "heard"), [("", 0), ("02aabbccddee", 1)])
def test_with_an_address_of_its_own_it_hears_everything(space: Namespace, poller: Poller, mac: str, heard: int) -> None:
    packet = open_packet(space, poller, mac=mac)
    assert f"promiscuity {heard} " in space.ip(f"-d link show {NEAR}")
    asyncio.run(packet.close())
    assert "promiscuity 0 " in space.ip(f"-d link show {NEAR}")


def test_what_this_host_sends_there_is_not_received(space: Namespace, poller: Poller, packet: Packet) -> None:
    with space.entered():
        kernel = RawSocket(NEAR)
    assert packet.send([SentFrame([frame_of(Rig(packet, kernel, poller), 1)])]) == 1
    kernel.transmit(FAR_MAC + packet.mac + bytes(60))
    assert packet.receive() == []
    kernel.close()


def test_others_vlans_are_not_ours(packet: Packet, far: RawSocket, poller: Poller) -> None:
    frame = frame_of(Rig(packet, far, poller), 1, inwards=True)
    far.transmit(frame[:12] + b"\x81\x00\x00\x05" + frame[12:])
    far.transmit(frame)
    assert [received.data for received in packet.receive()] == [frame]


def test_what_was_not_fetched_in_time_is_counted(packet: Packet, far: RawSocket, poller: Poller) -> None:
    assert packet.overflowed == 0
    for number in range(12000):
        far.transmit(frame_of(Rig(packet, far, poller), number, inwards=True))
    came = 0
    while frames := packet.receive():
        came += len(frames)
    assert 64 < came < 12000
    assert packet.overflowed == packet.overflowed == 12000 - came


def test_down_frames_are_lost_and_counted(space: Namespace, poller: Poller, packet: Packet, far: RawSocket) -> None:
    calls: list[int] = []
    packet.watch(lambda: calls.append(len(packet.receive())), lambda: None)
    space.ip(f"link set {NEAR} down")
    rig = Rig(packet, far, poller)
    assert packet.send([SentFrame([frame_of(rig, 1)])]) == 1
    assert packet.counters.not_taken == 1
    poller.wait(poller.monotonic())
    space.ip(f"link set {NEAR} up")
    space.await_carrier(FAR)
    far.transmit(frame_of(rig, 1, inwards=True))
    NetContract().wait(rig, lambda: sum(calls) == 1)


def test_removed_while_open_it_says_so_once(space: Namespace, poller: Poller, packet: Packet) -> None:
    assert_removal_is_told_once(space, poller, packet, NEAR)


def test_what_is_missing_is_told_with_its_remedy(space: Namespace, poller: Poller) -> None:
    with space.entered(), pytest.raises(Unavailable, match=r"eth7: no such interface\n  .*ip -brief link"):
        Packet(poller, "eth7")


def test_without_the_right_to_it_says_so(space: Namespace, poller: Poller) -> None:
    assert_others_may_not(space, lambda: Packet(poller, NEAR), "this user may not open packet sockets")
