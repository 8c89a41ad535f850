"""What reading and writing formats costs: microseconds of one call, best of several, beside scapy and dnspython."""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable

from dns.message import from_wire
from scapy.layers.dhcp import BOOTP
from scapy.layers.l2 import Ether

from benchmarks.table import Table
from fata.wire import dhcp, dhcp_options, dns, ethernet, ipv4, tcp, udp
from fata.wire.checksum import checksum, pseudo_header4, residue

ONE, TWO = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
HOST_1, HOST_2 = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
ENDS = HOST_1 + HOST_2
LINK = ethernet.Header(TWO, ONE, ethernet.IPV4)
IPV4 = ipv4.Header(HOST_1, HOST_2, ipv4.UDP, dont_fragment=True)
SMALL, LARGE = bytes(64), bytes(range(256)) * 5 + bytes(168)
Row = tuple[str, Callable[[], object] | None, Callable[[], object] | None, Callable[[], object] | None]


def best(call: Callable[[], object], runs: int, seconds: float) -> float:
    """Return the time of one call in microseconds."""
    timer = timeit.Timer(call)
    number, taken = timer.autorange()
    number = max(1, int(number * seconds / taken))
    return min(timer.repeat(runs, number)) / number * 1e6


def udp_frame(payload: bytes) -> bytes:
    """Write a datagram as it goes onto the link."""
    datagram = udp.serialize_header(1024, 53, payload, ENDS) + payload
    return ethernet.serialize(LINK) + ipv4.serialize(IPV4, len(datagram)) + datagram


def parse_udp(frame: bytes) -> udp.Datagram:
    """Read and verify all of it."""
    ethernet.parse(frame)
    header = ipv4.parse(frame, ethernet.HEADER_LENGTH, len(frame))
    start = ethernet.HEADER_LENGTH + header.header_length
    return udp.parse(frame, start, ethernet.HEADER_LENGTH + header.total_length, header.source + header.destination)


def tcp_frame(segment: tcp.Segment, payload: bytes) -> bytes:
    """Write a segment as it goes onto the link."""
    bare = tcp.serialize_header(segment) + payload
    pseudo = pseudo_header4(HOST_1, HOST_2, ipv4.TCP, len(bare))
    whole = tcp.serialize_header(segment, checksum(bare, pseudo)) + payload
    header = IPV4._replace(protocol=ipv4.TCP)
    return ethernet.serialize(LINK) + ipv4.serialize(header, len(whole)) + whole


def parse_tcp(frame: bytes) -> tcp.Segment:
    """Read and verify all of it."""
    ethernet.parse(frame)
    header = ipv4.parse(frame, ethernet.HEADER_LENGTH, len(frame))
    start, end = ethernet.HEADER_LENGTH + header.header_length, ethernet.HEADER_LENGTH + header.total_length
    pseudo = pseudo_header4(header.source, header.destination, header.protocol, end - start)
    assert residue(memoryview(frame)[start:end], pseudo) == 0
    return tcp.parse(frame, start, end)


def rows() -> list[Row]:
    """List (what, parse, serialize, the peer's parse)."""
    plain = tcp.Segment(80, 1024, 1, 2, tcp.ACK, 500)
    stamped = plain._replace(timestamp=3, echo=4)
    listed: list[Row] = []
    for size, payload in ((64, SMALL), (1448, LARGE)):
        frame = udp_frame(payload)
        listed.append(
            (f"Ethernet + IPv4 + UDP, {size} octets", bound(parse_udp, frame), bound(udp_frame, payload), scapy(frame))
        )
        for name, segment in (("TCP", plain), ("TCP with timestamps", stamped)):
            frame = tcp_frame(segment, payload)
            reading, writing = bound(parse_tcp, frame), bound(tcp_frame, segment, payload)
            listed.append((f"Ethernet + IPv4 + {name}, {size} octets", reading, writing, scapy(frame)))
    for name, segment in (("TCP header alone", plain), ("TCP header alone, timestamps", stamped)):
        octets = tcp.serialize_header(segment)
        reading, writing = bound(tcp.parse, octets, 0, len(octets)), bound(tcp.serialize_header, segment)
        listed.append((name, reading, writing, None))
    listed.append(("checksum, 1448 octets", bound(checksum, LARGE), None, None))
    listed.append(("checksum, 64 KiB", bound(checksum, bytes(range(256)) * 256), None, None))
    return listed + message_rows()


def message_rows() -> list[Row]:
    """List the same for what UDP carries."""
    name = (b"www", b"example", b"com")
    records = tuple(dns.Record(name, dns.A, 300, bytes((192, 0, 2, last))) for last in range(4))
    answer = dns.Message(1, dns.RESPONSE, (dns.Question(name, dns.A),), records)
    answered = dns.serialize(answer)
    lease = dhcp.Message(
        dhcp.REPLY,
        1,
        ONE,
        dhcp_options.Options(
            5, HOST_1, None, 3600, 1800, 3150, b"\xff\xff\xff\0", None, (HOST_1,), None, (HOST_1,), b"lan"
        ),
    )
    leased = dhcp.serialize(lease)
    return [
        ("DNS, four addresses", bound(dns.parse, answered), bound(dns.serialize, answer), bound(from_wire, answered)),
        (
            "DHCP, nine options",
            bound(dhcp.parse, leased, 0, len(leased)),
            bound(dhcp.serialize, lease),
            bound(BOOTP, leased),
        ),
    ]


def bound(function: Callable[..., object], *values: object) -> Callable[[], object]:
    """Return a call without arguments."""
    return lambda: function(*values)


def scapy(frame: bytes) -> Callable[[], object]:
    """Return scapy's way of reading a frame."""
    return lambda: Ether(frame)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    runs, seconds = (1, 0.02) if parser.parse_args().quick else (5, 0.1)
    with Table("wire: one call, checksums verified", "format", "parse µs", "serialize µs", "peer's parse µs") as table:
        for name, *calls in rows():
            table.row(name, *(best(call, runs, seconds) if call else "-" for call in calls))


if __name__ == "__main__":
    main()
