"""Scapy, which shares no line with us, reads what we write and writes what we read."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from scapy.layers.dhcp import DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from fata.wire import arp, dhcp, dhcp_options, ethernet, icmpv4, ipv4, tcp, udp
from fata.wire.checksum import checksum, pseudo_header4

pytestmark = pytest.mark.peer
ONE, TWO = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
HOST_1, HOST_2 = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))


def rebuilt(octets: bytes, layer: Any) -> Any:
    """Let scapy read octets; check that it computes the same checksums and lengths where ours are taken away."""
    read = layer(octets)
    whole = read.copy()
    for part in (IP, UDP, TCP, ICMP):
        if part in whole:
            for field in ("chksum", "len"):
                if field in whole[part].fields:
                    del whole[part].fields[field]
    assert bytes(whole) == octets
    return read


def test_arp() -> None:
    packet = arp.Packet(arp.REPLY, ONE, HOST_1, TWO, HOST_2)
    frame = ethernet.serialize(ethernet.Header(TWO, ONE, ethernet.ARP)) + arp.serialize(packet)
    read = rebuilt(frame, Ether)[ARP]
    assert (read.op, read.hwsrc, read.psrc, read.hwdst, read.pdst) == (
        2,
        "02:00:00:00:00:01",
        "192.0.2.1",
        "02:00:00:00:00:02",
        "192.0.2.2",
    )


@pytest.mark.parametrize("seed", range(30))
def test_udp_in_ipv4(seed: int) -> None:
    random = Random(seed)
    payload = random.randbytes(random.randrange(1400))
    src_port, dst_port = random.randrange(1, 1 << 16), random.randrange(1, 1 << 16)
    datagram = udp.serialize_header(src_port, dst_port, payload, HOST_1 + HOST_2) + payload
    options = random.choice([b"", b"\x94\x04\0\0"])
    header = ipv4.Header(HOST_1, HOST_2, ipv4.UDP, random.randrange(1, 256), options=options, tos=random.randrange(256))
    read = rebuilt(ipv4.serialize(header, len(datagram)) + datagram, IP)
    assert (read.ttl, read.tos, read[UDP].sport, read[UDP].dport) == (header.ttl, header.tos, src_port, dst_port)
    written = bytes(IP(bytes(read)))
    parsed = udp.parse(written, read.ihl * 4, len(written), HOST_1 + HOST_2)
    assert (parsed.src_port, written[parsed.start : parsed.end]) == (src_port, payload)


@pytest.mark.parametrize("seed", range(30))
def test_tcp_in_ipv4(seed: int) -> None:
    random = Random(seed)
    blocks = tuple((random.getrandbits(32), random.getrandbits(32)) for _ in range(random.randrange(3)))
    options = tcp.Options(random.choice([None, 1460]), None, random.random() < 0.5, blocks)
    stamp = random.choice([None, random.getrandbits(32)])
    segment = tcp.Segment(80, 1024, random.getrandbits(32), 7, tcp.ACK, 99, timestamp=stamp, options=options)
    payload = random.randbytes(random.randrange(1000))
    bare = tcp.serialize_header(segment) + payload
    check = checksum(bare, pseudo_header4(HOST_1, HOST_2, ipv4.TCP, len(bare)))
    whole = tcp.serialize_header(segment, check) + payload
    read = rebuilt(ipv4.serialize(ipv4.Header(HOST_1, HOST_2, ipv4.TCP), len(whole)) + whole, IP)[TCP]
    told: dict[str, Any] = dict(read.options)
    assert told.get("MSS") == options.mss
    assert told.get("Timestamp") == (None if stamp is None else (stamp, 0))
    assert ("SAckOK" in told) == options.sack_permitted
    assert told.get("SAck", ()) == tuple(edge for block in blocks for edge in block)


def test_icmp() -> None:
    message = icmpv4.Unreachable(
        icmpv4.FRAGMENTATION_NEEDED,
        icmpv4.Quoted(ipv4.Header(HOST_1, HOST_2, ipv4.UDP, total_length=28), udp.serialize_header(5, 6, b"", None)),
        1400,
    )
    octets = icmpv4.serialize(message)
    read = rebuilt(ipv4.serialize(ipv4.Header(HOST_2, HOST_1, ipv4.ICMP), len(octets)) + octets, IP)[ICMP]
    assert (read.type, read.code, read.nexthopmtu) == (3, 4, 1400)
    echo = bytes(ICMP(type="echo-request", id=9, seq=8) / Raw(b"data"))
    assert icmpv4.parse(echo, 0, len(echo)) == icmpv4.Echo(True, 9, 8, b"data")


def test_dhcp() -> None:
    options = dhcp_options.Options(
        dhcp_options.REQUEST, requested_address=HOST_2, host_name=b"guest", lease_time=60, dns_servers=(HOST_1, HOST_2)
    )
    octets = dhcp.serialize(dhcp.Message(dhcp.REQUEST, 9, ONE, options))
    ports = udp.serialize_header(dhcp.CLIENT_PORT, dhcp.SERVER_PORT, octets, None)
    told = dict(item for item in UDP(ports + octets)[DHCP].options if len(item) == 2)
    assert (told["message-type"], told["requested_addr"], told["hostname"]) == (3, "192.0.2.2", b"guest")
    assert told["lease_time"] == 60
