"""Targets for what UDP carries, and for capture files."""

from __future__ import annotations

from contextlib import suppress

from fata.errors import WireError
from fata.wire import dhcp, dns, pcap, pcapng
from fata.wire.dns_name import MAX_NAME, parse_name, serialize_name
from tests.fuzz.target import Target
from tests.wire import capture_files, captured, dhcp_messages, dns_messages

PCAPNG_OURS = (
    pcapng.serialize_section()
    + pcapng.serialize_interface(pcapng.Interface(name="net0"))
    + pcapng.serialize_packet(pcapng.Packet(0, 1_700_000_000_123_456_789, captured.UDP_ODD, 45))
    + pcapng.serialize_packet(pcapng.Packet(0, None, captured.ARP_REQUEST, 42))
)


def attempt_dns(octets: bytes) -> None:
    """Parse, serialize, parse again."""
    message = dns.parse(octets)
    again = dns.serialize(message)
    assert dns.parse(again) == message


def attempt_dns_name(octets: bytes) -> None:
    """Parse, serialize, parse again; whatever comes out keeps to the limits. Then from every other octet on."""
    _attempt_name_at(octets, 0)
    for at in range(1, min(len(octets), 64)):
        with suppress(WireError):
            _attempt_name_at(octets, at)


def _attempt_name_at(octets: bytes, at: int) -> None:
    name, behind = parse_name(octets, at, len(octets))
    assert at < behind <= len(octets)
    again = serialize_name(name)
    assert len(again) <= MAX_NAME
    assert parse_name(again, 0, len(again)) == (name, len(again))


def attempt_dhcp(octets: bytes) -> None:
    """Parse, serialize, parse again."""
    message = dhcp.parse(octets, 0, len(octets))
    again = dhcp.serialize(message)
    assert len(again) >= dhcp.MIN_LENGTH
    assert dhcp.parse(again, 0, len(again)) == message


def attempt_pcap(octets: bytes) -> None:
    """Parse, serialize, parse again."""
    capture = pcap.parse(octets)
    again = pcap.serialize_header(capture.link_type, nanoseconds=capture.nanoseconds)
    again += b"".join(pcap.serialize_record(record, nanoseconds=capture.nanoseconds) for record in capture.records)
    assert pcap.parse(again) == capture


def attempt_pcapng(octets: bytes) -> None:
    """Parse, serialize what has times that we write, parse again."""
    for section in pcapng.parse(octets):
        ours = pcapng.serialize_section()
        plain = tuple(link._replace(unit=pcapng.NANOSECONDS, offset=0) for link in section.interfaces)
        packets = tuple(packet for packet in section.packets if 0 <= (packet.time or 0) < 1 << 64)
        ours += b"".join(map(pcapng.serialize_interface, plain)) + b"".join(map(pcapng.serialize_packet, packets))
        assert pcapng.parse(ours) == (pcapng.Section(plain, packets),)


TARGETS = {
    "dns": Target(tuple(dns_messages.MESSAGES.values()), attempt_dns),
    "dns_name": Target((b"\3www\7example\3com\0", b"\1a\0\xc0\0", b"\0"), attempt_dns_name),
    "dhcp": Target(tuple(dhcp_messages.MESSAGES.values()), attempt_dhcp),
    "pcap": Target((capture_files.PCAP_MICRO, capture_files.PCAP_NANO), attempt_pcap),
    "pcapng": Target((capture_files.PCAPNG, PCAPNG_OURS), attempt_pcapng),
}
