"""Every frame that is dropped on its way in is counted under its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fata.sim.network import Simulation
from fata.wire import ethernet, ipv4, tcp
from tests.sim.stranger import Stranger

PEER = b"\x0a\0\0\x63"
SYN = tcp.Segment(5000, 7, 1, 0, tcp.SYN, 1000)


def spoiled(frame: bytes, at: int) -> bytes:
    return frame[:at] + bytes((frame[at] ^ 0xFF,)) + frame[at + 1 :]


def ethertype(stranger: Stranger) -> bytes:
    return stranger.segment(PEER, SYN)[:12] + b"\x88\xb5" + bytes(46)


def other_address(stranger: Stranger) -> bytes:
    stranger.address = b"\x0a\0\0\x77"
    return stranger.segment(PEER, SYN)


def other_mac(stranger: Stranger) -> bytes:
    return spoiled(stranger.segment(PEER, SYN), 5)


def group_source(stranger: Stranger) -> bytes:
    return stranger.packet(b"\xe0\0\0\1", ipv4.UDP, bytes(20))


def to_loopback(stranger: Stranger) -> bytes:
    stranger.address = b"\x7f\0\0\1"
    return datagram(stranger)


def syn_to_loopback(stranger: Stranger) -> bytes:
    stranger.address = b"\x7f\0\0\1"
    return stranger.segment(PEER, SYN)


def syn_from_ourselves(stranger: Stranger) -> bytes:
    return stranger.segment(stranger.address, SYN)


def ping_from_loopback(stranger: Stranger) -> bytes:
    return stranger.packet(b"\x7f\0\0\1", ipv4.ICMP, bytes.fromhex("0800f7ff00000000"))


def short_tcp(stranger: Stranger) -> bytes:
    octets = bytes((0x13, 0x88, 0, 7)) + bytes(15)
    return stranger.packet(PEER, ipv4.TCP, octets)


def datagram(stranger: Stranger) -> bytes:
    return stranger.packet(PEER, ipv4.UDP, bytes.fromhex("0007270f00080000"))


REASONS: list[tuple[str, Callable[[Stranger], bytes]]] = [
    ("malformed", lambda stranger: b"short".ljust(14, b"\0")[:13]),
    ("malformed", lambda stranger: spoiled(stranger.segment(PEER, SYN), 14)),
    ("malformed", lambda stranger: spoiled(stranger.segment(PEER, SYN), 16)),
    ("malformed", lambda stranger: stranger.packet(PEER, ipv4.UDP, bytes(7))),
    ("bad_checksum", lambda stranger: spoiled(stranger.segment(PEER, SYN), 24)),
    ("bad_checksum", lambda stranger: spoiled(stranger.segment(PEER, SYN), 40)),
    ("bad_checksum", short_tcp),
    ("for_others", other_address),
    ("for_others", group_source),
    ("for_others", to_loopback),
    ("for_others", syn_to_loopback),
    ("for_others", syn_from_ourselves),
    ("for_others", ping_from_loopback),
    ("unknown_protocol", ethertype),
    ("unknown_protocol", lambda stranger: stranger.packet(PEER, 99, b"what?")),
    ("no_port", datagram),
]


@pytest.mark.parametrize(("reason", "make"), REASONS)
def test_a_drop_has_its_counter(sim: Simulation, reason: str, make: Callable[[Stranger], bytes]) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)
    frame = make(stranger)

    async def main() -> None:
        if len(frame) >= ethernet.HEADER_LENGTH:
            stranger.say(frame)
        else:
            port = host.cable
            port._arrive(frame)
            port._poller.wake(port._signal)
        await asyncio.sleep(0.01)

    sim.run(main())
    counted = host.stack.host.counters.as_dict()
    dropped = {name: count for name, count in counted.items() if count and not name.startswith(("sent", "received"))}
    assert dropped.pop(reason) == 1
    assert dropped in ({}, {"unreachable": 1})
    assert counted["received"] == 1


def test_a_frame_for_another_mac_is_for_others(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)

    async def main() -> None:
        stranger.say(other_mac(stranger))  # the switch does not know that one: everybody hears it
        await asyncio.sleep(0.01)

    sim.run(main())
    assert host.stack.host.counters.for_others == 1


def test_nothing_is_kept_of_a_stranger_who_was_answered(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)

    async def main() -> None:
        for port in range(5000, 5300):
            stranger.say(stranger.segment(PEER, SYN._replace(src_port=port)))
        await asyncio.sleep(0.1)
        assert host.stack.host.tcp.host.counters.resets_sent == 300
        assert not host.stack.host.tcp.output._paths

    sim.run(main())
