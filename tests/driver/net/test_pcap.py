"""Captures, read back by tcpdump and here."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fata.device.net import Segmentation, SentFrame
from fata.driver.clock.virtual import VirtualClock
from fata.driver.net.pcap import PcapFile, PcapNet
from fata.driver.net.switch import Switch
from fata.driver.net.tap import OFFLOADS
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import Unavailable
from fata.wire import pcap
from tests.conformance.net import FAR_MAC, NetContract, Rig, frame_of, number_of
from tests.conformance.net_offload import large_frame, pattern
from tests.driver.net.test_switch import NEAR_MAC, FarPort

START = 1_700_000_000.25  # POSIX seconds


def records(path: Path) -> list[tuple[float, bytes, int]]:
    """Return moment, octets and length on the wire of each frame in a capture."""
    return [(record.time / pcap.SECOND, record.data, record.length) for record in pcap.parse(path.read_bytes()).records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capture.pcap"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(wall=START)


@pytest.fixture
def recorded(path: Path, clock: VirtualClock) -> Iterator[Rig]:
    poller = VirtualPoller(clock)
    switch = Switch(poller)
    far = FarPort(switch.port(FAR_MAC))
    near = switch.port(NEAR_MAC, capabilities=OFFLOADS)
    capture = PcapFile(str(path))
    yield Rig(PcapNet(near, capture, clock), far, poller)
    capture.close()


class TestPcapNet(NetContract):
    """It is a device as any other; the fixture above brings it."""

    @pytest.fixture
    def rig(self, recorded: Rig) -> Rig:
        return recorded


def test_both_ways_are_recorded_in_order(recorded: Rig, path: Path, clock: VirtualClock) -> None:
    recorded.net.send([SentFrame([frame_of(recorded, 1)[:20], frame_of(recorded, 1)[20:]])])
    clock.advance(0.5)
    recorded.far.transmit(frame_of(recorded, 2, inwards=True))
    recorded.net.receive()
    asyncio.run(recorded.net.close())
    found = records(path)
    assert [(moment, number_of(octets)) for moment, octets, _length in found] == [(START, 1), (START + 0.5, 2)]
    assert found[0][1] == frame_of(recorded, 1)


def test_a_large_frame_is_recorded_as_it_is(recorded: Rig, path: Path) -> None:
    recorded.net.send([large_frame(Segmentation.TCP4, pattern(60_000), NEAR_MAC)])
    asyncio.run(recorded.net.close())
    ((_moment, octets, length),) = records(path)
    assert len(octets) == length == 60_066


def test_a_frame_is_kept_as_far_as_wanted(path: Path) -> None:
    capture = PcapFile(str(path), snap=100)
    capture.write(1.0, [bytes(60)])
    capture.write(1.0, [bytes(60), bytes(60)])
    capture.close()
    assert [(len(octets), length) for _moment, octets, length in records(path)] == [(60, 60), (100, 120)]


def test_what_waits_is_written_every_second(path: Path) -> None:
    capture = PcapFile(str(path))
    for moment, count in ((10.0, 1), (10.4, 1), (10.9, 1), (11.0, 4), (11.1, 4)):
        capture.write(moment, [bytes(60)])
        assert len(records(path)) == count
    capture.flush()
    assert len(records(path)) == 5
    capture.close()
    capture.close()
    capture.write(12.0, [bytes(60)])
    capture.flush()
    assert len(records(path)) == 5


def test_without_a_date_the_clocks_seconds_are_told(path: Path) -> None:
    clock = VirtualClock(3.5)
    poller = VirtualPoller(clock)
    net = PcapNet(Switch(poller).port(NEAR_MAC), PcapFile(str(path)), clock)
    net.send([SentFrame([bytes(60)])])
    asyncio.run(net.close())
    assert [moment for moment, _octets, _length in records(path)] == [3.5]


def test_a_full_disk_ends_the_capture_and_nothing_else(clock: VirtualClock) -> None:
    capture = PcapFile("/dev/full")
    net = PcapNet(Switch(VirtualPoller(clock)).port(NEAR_MAC), capture, clock)
    for _ in range(3):
        assert net.send([SentFrame([bytes(60)])]) == 1
        clock.advance(1)
    assert capture.failure is not None
    asyncio.run(net.close())


@pytest.mark.parametrize(("path", "snap"), [("/nowhere/x.pcap", 100), ("/tmp", 100), ("/dev/null", 0)])
def test_where_nothing_can_be_written_it_says_so(path: str, snap: int) -> None:
    with pytest.raises(Unavailable, match=path):
        PcapFile(path, snap)


@pytest.mark.peer
def test_tcpdump_reads_it(recorded: Rig, path: Path) -> None:
    recorded.net.send([large_frame(Segmentation.TCP4, pattern(100), NEAR_MAC)])
    asyncio.run(recorded.net.close())
    told = subprocess.run(["tcpdump", "-nn", "-tt", "-r", str(path)], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("1700000000.250000 IP 10.0.0.1.4096 > 10.0.0.2.80: Flags [FP.W]")
    assert "length 100" in told.stdout
