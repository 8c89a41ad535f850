"""The switch in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fata.device.net import Capabilities, Checksum, Segmentation, SentFrame
from fata.driver.net.switch import MAC_TABLE, Port, Switch
from fata.driver.net.tap import OFFLOADS
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import StateError
from tests.conformance.net import FAR_MAC, NetContract, Rig
from tests.conformance.net_offload import NetOffloadContract, OffloadRig, large_frame, pattern

NEAR_MAC = bytes.fromhex("020000000001")


class FarPort:
    """Another port as the far end."""

    def __init__(self, port: Port) -> None:
        self.port = port

    def transmit(self, frame: bytes) -> None:
        self.port.send([SentFrame([frame])])

    def collect(self) -> list[bytes]:
        return [frame.data for frame in self.port.receive()]


class TestSwitch(NetContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        poller = VirtualPoller()
        switch = Switch(poller)
        far = FarPort(switch.port(FAR_MAC))
        yield Rig(switch.port(NEAR_MAC), far, poller)
        poller.close()


class TestSwitchOffload(NetOffloadContract):
    @pytest.fixture
    def rig(self) -> Iterator[OffloadRig]:
        poller = VirtualPoller()
        switch = Switch(poller)
        far = FarPort(switch.port(FAR_MAC))
        source = switch.port(bytes.fromhex("020000000002"), capabilities=OFFLOADS)
        yield OffloadRig(switch.port(NEAR_MAC, capabilities=OFFLOADS), far, source, poller)
        poller.close()


A, B, C = (bytes([2, 0, 0, 0, 0, last]) for last in (10, 11, 12))
BROADCAST = b"\xff" * 6


class Network:
    """Three ports of one switch."""

    def __init__(self, **options: Any) -> None:
        self.poller = VirtualPoller()
        self.switch = Switch(self.poller)
        self.ports = {mac: self.switch.port(mac, **options) for mac in (A, B, C)}

    def send(self, source: bytes, destination: bytes, size: int = 60) -> None:
        self.ports[source].send([SentFrame([destination + source + bytes(size - 12)])])

    def received(self) -> list[int]:
        """Say how many frames each port had."""
        return [len(port.receive()) for port in self.ports.values()]


def test_a_frame_goes_everywhere_until_its_destination_was_heard() -> None:
    network = Network()
    network.send(A, B)
    assert network.received() == [0, 1, 1]
    network.send(B, A)
    assert network.received() == [1, 0, 0]
    network.send(A, B)
    assert network.received() == [0, 1, 0]


@pytest.mark.parametrize("group", [BROADCAST, bytes.fromhex("01005e0000fb")])
def test_a_group_is_everybody_else(group: bytes) -> None:
    network = Network()
    network.send(A, group)
    assert network.received() == [0, 1, 1]
    network.send(B, group)
    assert network.received() == [1, 0, 1]


def test_a_host_that_moves_is_found_again() -> None:
    network = Network()
    network.send(A, BROADCAST)
    network.send(C, BROADCAST)
    network.received()
    network.ports[B].send([SentFrame([BROADCAST + A + bytes(48)])])  # A's address, at B's port
    network.received()
    network.send(C, A)
    assert network.received() == [0, 1, 0]


def test_a_frame_to_its_own_port_goes_nowhere() -> None:
    network = Network()
    network.send(A, A)
    network.send(A, A)
    assert network.received() == [0, 0, 0]


def test_a_group_as_source_is_not_learned() -> None:
    network = Network()
    network.ports[A].send([SentFrame([B + BROADCAST + bytes(48)])])
    network.received()
    network.send(C, BROADCAST)
    assert network.received() == [1, 1, 0]


def test_a_flood_of_addresses_takes_bounded_room() -> None:
    network = Network()
    network.send(A, BROADCAST)
    for number in range(MAC_TABLE + 10):
        network.ports[B].send([SentFrame([A + number.to_bytes(6) + bytes(48)])])
    assert len(network.switch._places) == MAC_TABLE
    while any(network.received()):
        pass
    network.send(C, A)
    assert network.received() == [1, 1, 0], "the oldest was not forgotten"


def test_a_full_queue_drops_and_counts() -> None:
    network = Network(queue=5)
    for _ in range(8):
        network.send(A, BROADCAST)
    network.ports[B].receive()
    network.send(A, BROADCAST)
    counters = network.ports[B].counters
    assert (counters.received, counters.dropped_full, counters.dropped_large) == (6, 3, 0)
    assert network.ports[A].counters.sent == 9


def test_each_port_has_its_mtu() -> None:
    network = Network(mtu=9000)
    small = network.switch.port(bytes.fromhex("020000000099"), mtu=1500)
    network.send(A, BROADCAST, 1514)
    network.send(A, BROADCAST, 1515)
    assert network.received() == [0, 2, 2]
    assert len(small.receive()) == 1
    assert small.counters.dropped_large == 1


def test_a_closed_port_is_forgotten() -> None:
    network = Network()
    network.send(B, BROADCAST)
    network.received()
    asyncio.run(network.ports[B].close())
    network.send(A, B)
    assert len(network.ports[C].receive()) == 1, "what went to it is flooded again"


def test_unfinished_frames_are_finished_for_who_does_not_take_them() -> None:
    network = Network(capabilities=OFFLOADS)
    plain = network.switch.port(bytes.fromhex("020000000098"))
    sums_only = network.switch.port(bytes.fromhex("020000000097"), capabilities=Capabilities(receive_checksum=True))
    network.ports[A].send([large_frame(Segmentation.TCP4, pattern(2500), A, BROADCAST)])
    assert [frame.checksum for frame in network.ports[B].receive()] == [Checksum.PARTIAL]
    assert [frame.checksum for frame in plain.receive()] == [Checksum.UNKNOWN] * 3
    verified = sums_only.receive()
    assert [frame.checksum for frame in verified] == [Checksum.VERIFIED] * 3
    assert [frame.segmentation for frame in verified] == [Segmentation.NONE] * 3


def test_a_frame_that_is_not_what_it_says_is_the_senders_mistake() -> None:
    network = Network(capabilities=OFFLOADS)
    frame = large_frame(Segmentation.TCP4, pattern(2500), A, BROADCAST)
    broken = bytearray(frame.buffers[0])
    broken[46] = 0x10  # TCP's offset: 4 octets
    network.switch.port(bytes.fromhex("020000000098"))
    with pytest.raises(StateError, match="no TCP header at 34"):
        network.ports[A].send([frame._replace(buffers=[broken, *frame.buffers[1:]])])


@pytest.mark.parametrize("wrong", [{"mac": b"short"}, {"mac": BROADCAST}, {"mtu": 575}, {"queue": 0}])
def test_a_port_that_makes_no_sense_is_a_mistake(wrong: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        Switch(VirtualPoller()).port(**{"mac": A, **wrong})
