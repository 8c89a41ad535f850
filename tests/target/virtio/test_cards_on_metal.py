"""virtio-net in QEMU over TAP interfaces: with every feature off in turn, and with offloads, seen in a capture."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fata.driver.virtio import net
from fata.wire.pcap import parse
from tests.network_namespace import Namespace, namespace
from tests.target.virtio.metal import MACHINES, QEMU_TEST, Metal, build, device, probing

pytestmark = [*QEMU_TEST, pytest.mark.root]

EVENT_BIT = 29
OFF = [
    "",
    "mrg_rxbuf=off",
    "csum=off",
    "guest_csum=off",
    "guest_tso4=off",
    "guest_tso6=off",
    "host_tso4=off",
    "host_tso6=off",
    "event_idx=off",
    "indirect_desc=off",
    "ctrl_vq=off",
    "host_mtu=1400",
    "mrg_rxbuf=off,csum=off,guest_csum=off,event_idx=off,indirect_desc=off,ctrl_vq=off",
]
MASKED = [EVENT_BIT, net.CSUM, net.GUEST_CSUM, net.MAC, net.GUEST_TSO4, net.GUEST_TSO6, net.HOST_TSO4, net.HOST_TSO6]
MASKED += [net.MRG_RXBUF]
PORT = 7777
SOME, MUCH = 200_000, 4_000_000  # octets, there and back
HEADERS = 14 + 20 + 20
QEMU_HEADER = 12  # octets that QEMU 7 puts before a frame when there are offloads


class Echo(socketserver.BaseRequestHandler):
    """Sends back whatever comes."""

    def handle(self) -> None:
        while octets := self.request.recv(1 << 18):
            self.request.sendall(octets)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("probe"))


@contextmanager
def taps(count: int) -> Iterator[Namespace]:
    """Make TAP interfaces in a namespace, each its own network, and a server that echoes on all of them."""
    with namespace() as space:
        for number in range(count):
            space.ip(f"tuntap add t{number} mode tap")
            space.ip(f"addr add 10.9.{number}.1/24 dev t{number}")
            space.ip(f"link set t{number} up")
        with space.entered():
            server = Server(("0.0.0.0", PORT), Echo)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield space
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def card(model: str, number: int, options: str = "", *more: str) -> tuple[str, ...]:
    """Return the words for a card at a TAP."""
    chosen = [f"netdev=n{number}", *([options] if options else [])]
    return (
        "-netdev",
        f"tap,id=n{number},ifname=t{number},script=no,downscript=no",
        *more,
        *device(model, "net", *chosen),
    )


def asked_from_outside(space: Namespace, number: int, octets: int) -> int:
    """Send octets to the probe's own server; return how many came back right."""
    pattern = bytes(range(251)) * (octets // 251 + 1)
    with space.entered():
        line = socket.create_connection((f"10.9.{number}.2", 7), timeout=30)
    with line:
        sender = threading.Thread(target=line.sendall, args=(pattern[:octets],))
        sender.start()
        back = b""
        while len(back) < octets and (piece := line.recv(1 << 18)):
            back += piece
        sender.join()
    return sum(map(int.__eq__, back, pattern))


@MACHINES
def test_a_card_works_with_every_feature_off_in_turn(model: str, image: Path, tmp_path: Path) -> None:
    words = [word for number, options in enumerate(OFF) for word in card(model, number, options)]
    with taps(len(OFF)) as space, space.entered(), probing(model, image, tmp_path, *words) as metal:
        opened = [metal.call("open_card", number=number, ipv4=f"10.9.{number}.2/24") for number in range(len(OFF))]
        assert opened[0]["joined"]
        assert opened[0]["segmentation"] == ["tcp4", "tcp6"]
        assert opened[OFF.index("host_mtu=1400")]["mtu"] == 1400
        for number, options in enumerate(OFF):
            assert exchange(metal, space, number) == (SOME, SOME), options
        for bit in MASKED:
            metal.call("close_card", number=0)
            assert not metal.call("open_card", number=0, ipv4="10.9.0.2/24", masked=1 << bit)["features"] >> bit & 1
            space.ip("neigh flush dev t0")  # without MAC the card has another address
            assert exchange(metal, space, 0) == (SOME, SOME), bit
        metal.end()
    agreed = {each["features"] for each in opened}
    assert len(agreed) >= len(OFF) - 3, (
        "QEMU has heeded few of the words"
    )  # it ignores those of features we do not take


def exchange(metal: Metal, space: Namespace, number: int) -> tuple[int, int]:
    """Have the probe ask, then be asked."""
    asked = metal.call("fetch", card=number, host=f"10.9.{number}.1", port=PORT, octets=SOME)
    return asked, asked_from_outside(space, number, SOME)


@MACHINES
def test_segments_of_64_kib_pass_both_ways(model: str, image: Path, tmp_path: Path) -> None:
    """QEMU's own capture has them, between its card and the TAP."""
    capture = tmp_path / "frames.pcap"
    dump = ("-object", f"filter-dump,id=dump,netdev=n0,file={capture},maxlen=70000")
    with taps(1) as space, space.entered(), probing(model, image, tmp_path, *card(model, 0, "", *dump)) as metal:
        metal.call("open_card", number=0, ipv4="10.9.0.2/24")
        before = metal.call("counters")
        assert metal.call("fetch", card=0, host="10.9.0.1", port=PORT, octets=MUCH) == MUCH
        after = metal.call("counters")
        metal.end()
    largest = {b"\x0a\x09\0\1": 0, b"\x0a\x09\0\2": 0}  # by the sender's address
    frames = 0
    for record in parse(capture.read_bytes()).records:
        for start in (0, QEMU_HEADER):
            frame = record.data[start:]
            if frame[12:14] == b"\x08\0" and frame[26:30] in largest:
                largest[frame[26:30]] = max(largest[frame[26:30]], len(frame))
                frames += 1
    assert min(largest.values()) > 60_000, largest
    # Offload pays: neither a notification nor an interrupt for each 1,460 octets.
    plain = 2 * MUCH // 1460
    assert frames < plain / 4
    assert after["notified"] - before["notified"] < plain / 4
    assert after["interrupts"] - before["interrupts"] < plain / 4
