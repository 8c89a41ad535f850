"""ICMP through the whole stack: few errors, however many packets ask for one; pings that fit into a packet."""

from __future__ import annotations

import asyncio

import pytest

from fata.proto.icmp import BURST, RATE
from fata.sim.network import Simulation
from fata.stack.icmp import MAX_ECHO
from fata.wire import ethernet, icmpv4, ipv4
from tests.sim.stranger import Stranger

PEER = b"\x0a\0\0\x63"
PROBE = bytes.fromhex("0007270f00080000")  # a datagram to a port where nobody listens


def errors(frames: list[bytes]) -> int:
    """Say how many of these are ICMP errors."""
    count = 0
    for frame in frames:
        if frame[12:14] == b"\x08\0" and frame[23] == ipv4.ICMP:
            start = ethernet.HEADER_LENGTH + ipv4.HEADER_LENGTH
            count += isinstance(icmpv4.parse(frame, start, len(frame)), icmpv4.Unreachable)
    return count


def test_a_flood_of_probes_gets_a_burst_and_then_so_many_a_second(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)
    seconds, probes = 5, 5_000

    async def main() -> None:
        gate = host.stack.host.icmp.gate.counters
        for _ in range(seconds * 100):
            stranger.say(*[stranger.packet(PEER, ipv4.UDP, PROBE)] * (probes // seconds // 100))
            await asyncio.sleep(0.01)
        assert gate.permitted + gate.limited == probes
        expected = BURST + RATE * seconds
        assert 0.8 * expected < gate.permitted < 1.2 * expected  # one to three tokens each, two on average
        assert host.stack.host.counters.no_port == probes

    sim.run(main())


def test_the_limit_is_for_all_kinds_and_the_host_recovers(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)
    seen: list[bytes] = []
    sim.observe(lambda _moment, frame: seen.append(frame))

    async def main() -> None:
        for _ in range(500):
            stranger.say(stranger.packet(PEER, ipv4.UDP, PROBE), stranger.packet(PEER, 99, b"what?"))
        await asyncio.sleep(0.05)
        gate = host.stack.host.icmp.gate.counters
        first = gate.permitted
        assert first <= 2 * BURST + 0.1 * RATE
        assert gate.limited == 1000 - first
        await asyncio.sleep(10)
        stranger.say(stranger.packet(PEER, ipv4.UDP, PROBE))
        await asyncio.sleep(0.05)
        assert gate.permitted == first + 1

    sim.run(main())


def test_pings_are_not_limited_by_it(sim: Simulation) -> None:
    host, client = sim.host("host"), sim.host("client")
    stranger = Stranger(sim, host)

    async def main() -> None:
        for _ in range(1000):
            stranger.say(stranger.packet(PEER, ipv4.UDP, PROBE))
        await asyncio.sleep(0.05)
        for _ in range(100):
            assert await client.stack.ping(host.address) < 0.1

    sim.run(main())


@pytest.mark.parametrize(("size", "fits"), [(0, True), (MAX_ECHO, True), (MAX_ECHO + 1, False), (-1, False)])
def test_a_ping_is_at_most_as_large_as_a_packet(sim: Simulation, size: int, fits: bool) -> None:
    host, client = sim.host("host"), sim.host("client")

    async def main() -> None:
        if fits:
            assert await client.stack.ping(host.address, size=size) < 0.1
        else:
            with pytest.raises(OSError, match="Message too long"):
                await client.stack.ping(host.address, size=size)

    sim.run(main())


def test_nobody_is_told_of_a_packet_to_everybody(sim: Simulation) -> None:
    host = sim.host("host")
    stranger = Stranger(sim, host)
    seen: list[bytes] = []
    sim.observe(lambda _moment, frame: seen.append(frame))

    async def main() -> None:
        for address in (ipv4.BROADCAST, b"\x0a\0\0\xff", b"\xe0\0\0\x01"):
            stranger.address = address
            stranger.say(stranger.packet(PEER, ipv4.UDP, PROBE), stranger.packet(PEER, 99, b"what?"))
        await asyncio.sleep(1)
        assert errors(seen) == 0

    sim.run(main())
