"""A unikernel with little memory at a wire where a stranger can say what he likes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fata.wire import arp, ethernet, ipv4, tcp
from fata.wire.checksum import checksum, pseudo_header4
from tests.http.command import curl
from tests.network_namespace import namespace
from tests.programs import needs, needs_runtime
from tests.unikernel.guest import EXAMPLES, Unikernel

pytestmark = [pytest.mark.qemu, pytest.mark.root, needs("qemu-system-x86_64"), needs("curl"), needs_runtime()]

MAC, ADDRESS, VICTIM = bytes.fromhex("020000000099"), bytes((10, 99, 0, 77)), bytes((10, 99, 0, 2))
ETHERNET = 14  # octets
MEMORY = "48"  # MiB, of which some 14 are free
CONNECTIONS, GAPS, PIECE = 48, 300, 1460  # 21 MB, too much without a cap
READERS = 120  # when each was sent 64 KiB whatever it took, 92 ended the program
LARGE = b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n"  # 5 MB, of which a connection would hold one
FRAMES_A_SECOND = 2500.0  # what an emulated card takes; more would be lost on the way and do no harm


class Stranger:
    """Opens connections and never fills a gap."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.open: dict[int, int] = {}  # our port: what the victim wants acknowledged
        self.link = b""

    def find(self) -> None:
        """Ask for the victim's card; with the question it learns ours."""
        question = arp.Packet(arp.REQUEST, MAC, ADDRESS, bytes(6), VICTIM)
        frame = ethernet.serialize(ethernet.Header(ethernet.BROADCAST, MAC, ethernet.ARP)) + arp.serialize(question)
        while not self.link:
            self.wire.send(frame)
            self.listen(0.2)

    def say(self, port: int, seq: int, flags: int, payload: bytes = b"") -> None:
        """Send a segment."""
        head = bytes(ETHERNET)
        segment = tcp.Segment(port, 80, seq, self.open.get(port, 0), flags, 65535, head, ETHERNET, ETHERNET)
        if flags & tcp.SYN:  # with a scale, or there were 64 KiB a connection at most
            segment = segment._replace(options=tcp.Options(PIECE, 7))
        octets = tcp.serialize_header(segment) + payload
        check = checksum(octets, pseudo_header4(ADDRESS, VICTIM, ipv4.TCP, len(octets)))
        octets = octets[:16] + check.to_bytes(2, "big") + octets[18:]
        self.wire.send(self.link + ipv4.serialize(ipv4.Header(ADDRESS, VICTIM, ipv4.TCP), len(octets)) + octets)

    def listen(self, seconds: float) -> None:
        """Hear what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.wire.settimeout(left)
            try:
                frame = self.wire.recv(1 << 16)
            except TimeoutError:
                return
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        kind = frame[12:14]
        if kind == b"\x08\x06" and frame[28:32] == VICTIM:
            self.link = ethernet.serialize(ethernet.Header(frame[22:28], MAC, ethernet.IPV4))
        elif kind == b"\x08\0" and frame[:6] == MAC and frame[23] == ipv4.TCP:
            segment = tcp.parse(frame, 34, len(frame))
            if segment.flags & tcp.SYN:
                self.open[segment.dst_port] = segment.seq + 1

    def attack(self) -> int:
        """Leave as much as there is behind gaps; return how many connections were opened."""
        for port in range(10_000, 10_000 + CONNECTIONS):
            while port not in self.open:
                self.say(port, 1000, tcp.SYN)
                self.listen(0.05)
            self.say(port, 1001, tcp.ACK)
        for gap in range(GAPS):
            for port in self.open:
                self.say(port, 1011 + gap * PIECE, tcp.ACK, b"z" * PIECE)
            self.listen(CONNECTIONS / FRAMES_A_SECOND)
        return len(self.open)

    def ask(self) -> int:
        """Ask for as much as there is on every connection, and acknowledge nothing; return how many there are."""
        for port in range(20_000, 20_000 + READERS):
            while port not in self.open:
                self.say(port, 1000, tcp.SYN)
                self.listen(0.05)
            self.say(port, 1001, tcp.ACK | tcp.PSH, LARGE)
            self.listen(0.02)
        self.listen(1.0)
        return len(self.open)


@contextmanager
def besieged() -> Iterator[tuple[Unikernel, Stranger]]:
    """Give a web server with little memory and a stranger at its wire; in the end it still has to serve."""
    with namespace() as space, space.entered():
        space.ip("tuntap add t0 mode tap")
        space.ip("addr add 10.99.0.1/24 dev t0")
        space.ip("link set t0 up")
        words = ("--nic", "tap=t0", "--ipv4", "10.99.0.2/24", "--memory", MEMORY, "--stats")
        with (
            Unikernel(EXAMPLES / "www", "microvm", *words) as guest,
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire,
        ):
            space.await_carrier("t0")
            wire.bind(("t0", 0))
            stranger = Stranger(wire)
            stranger.find()
            yield guest, stranger
            page = EXAMPLES / "www" / "htdocs" / "style.css"
            assert curl("--max-time", "20", "http://10.99.0.2/style.css") == page.read_bytes()


def test_gaps_in_many_connections_do_not_take_the_memory() -> None:
    with besieged() as (guest, stranger):
        assert stranger.attack() == CONNECTIONS
    assert "dropped buffered" in guest.output, "the cap was reached"


def test_answers_that_nobody_acknowledges_do_not_take_the_memory() -> None:
    with besieged() as (guest, stranger):
        assert stranger.ask() == READERS
    assert "writers paused" in guest.output, "the cap was reached"
