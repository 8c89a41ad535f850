"""Damaged frames against a live host: servers, connections, UDP ports, resolver and DHCP client, in virtual time.

    .venv/bin/python -m tests.fuzz.live --frames 1000000 --seed 7

Frames are real ones, taken from the traffic that goes on meanwhile, so that their numbers are those of connections that
are open; most of them get their checksums put right. Nothing may be raised in the loop, and nothing may stay behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tracemalloc
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any

from fata.device.net import SentFrame
from fata.driver.net.line import Faults
from fata.errors import FataError, WireError
from fata.sim.network import Simulation
from fata.stack.ipv4 import NOBODY
from tests.fuzz.mutation import damaged
from tests.fuzz.repair import addressed, with_right_checksums
from tests.sim.traffic import Asking, ask_rightly, serve
from tests.stack.dhcp_service import serve_dhcp
from tests.stack.test_names import Datagrams

ADDRESS = "10.0.0.200"
BATCH = 64  # frames at one moment
REMEMBERED = 512  # frames that are damaged further: of the latest traffic
BROADCAST = b"\xff" * 6
MOST_GROWTH = 1 << 19  # octets of memory, in the last quarter of the attack
QUIET = 400.0  # seconds until every timer has run off: a user timeout takes 300, TIME-WAIT 60
MOST_TIMERS = 12  # of the whole simulation, when all is quiet
UNQUIET = (OSError, FataError, EOFError)  # what may happen to applications under attack


class Attack:
    """One run. `run` raises what went wrong."""

    def __init__(self, seed: int, frames: int) -> None:
        self.sim = Simulation(seed)
        self._random = Random(f"live {seed}")
        self._frames = frames
        self._corpus: deque[bytes] = deque(maxlen=REMEMBERED)
        self._attacking = False
        self._programs: list[asyncio.Task[None]] = []
        self.peer = self.sim.host("peer")
        self.victim = self.sim.host("victim", dns=(self.peer.address,))
        self.card = self.sim.card("attacker", link=Faults())
        self._mac = self.victim.stack.host.interface.mac
        self.sim.observe(self._see)

    def _see(self, _moment: float, frame: bytes) -> None:
        if not self._attacking and frame[:6] in (self._mac, BROADCAST):
            self._corpus.append(frame)

    def run(self) -> None:
        """Attack, let all come to rest, look at what is left, and ask whether the host still answers."""
        with self.sim as sim:
            sim.run(self._set_up())
            sim.run(self._attack())
            sim.run(self._rest())
            self._look()
            sim.run(self._answer())

    # The traffic that goes on meanwhile.

    async def _set_up(self) -> None:
        victim, peer = self.victim, self.peer
        self.dhcp = await serve_dhcp(peer, ADDRESS, lease_time=60)
        victim.stack.host.configure(NOBODY)
        await victim.stack.lease(30)
        await serve(victim)
        await serve(peer)
        await victim.stack.create_server(Shouting, port=9)
        await victim.stack.create_datagram_endpoint(Returning, ("0.0.0.0", 9))
        await peer.stack.create_datagram_endpoint(Answering, ("0.0.0.0", 53))
        for program in (self._chat, self._ask, self._resolve, self._ping):
            self._programs.append(asyncio.ensure_future(self._again(program)))

    async def _again(self, program: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(30):
                    await program()
            except UNQUIET:
                pass
            await asyncio.sleep(0.05)

    async def _chat(self) -> None:
        """Talk over a connection to the host, as long as it lasts."""
        reader, writer = await self.peer.open_connection(ADDRESS, 9)
        try:
            while True:
                writer.write(self._random.randbytes(self._random.choice((1, 50, 4000))))
                await reader.read(65536)
                await asyncio.sleep(0.02)
        finally:
            writer.transport.abort()

    async def _ask(self) -> None:
        """Send from the host."""
        payload = self._random.randbytes(self._random.choice((10, 30_000)))
        transport, asking = await self.victim.stack.create_connection(lambda: Asking(payload), self.peer.address, 7)
        try:
            await asking.ended
        finally:
            transport.abort()

    async def _resolve(self) -> None:
        name = f"{self._random.randrange(1 << 30)}.test" if self._random.random() < 0.5 else "web.test"
        await self.victim.stack.resolve(name)

    async def _ping(self) -> None:
        await self.peer.stack.host.icmp.ping(self.victim.stack.host.ip.address, self._random.choice((56, 4000)), 1.0)
        transport, _ = await self.peer.stack.create_datagram_endpoint(asyncio.DatagramProtocol, None, (ADDRESS, 9))
        transport.sendto(b"x" * self._random.choice((1, 3000)))
        await asyncio.sleep(0.01)
        transport.close()

    # The attack.

    async def _attack(self) -> None:
        before = 0
        for sent in range(0, self._frames, BATCH):
            self._send(min(BATCH, self._frames - sent))
            await asyncio.sleep(self._random.choice((0.001, 0.01, 0.1, 1.0)))
            if not tracemalloc.is_tracing() and sent >= self._frames // 2:  # it takes its time
                tracemalloc.start()
            if not before and sent >= self._frames * 3 // 4:
                before = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < MOST_GROWTH, f"memory has grown by {grown:,} octets in the last quarter"
        self._check_caps()

    def _send(self, count: int) -> None:
        frames = [SentFrame((self._frame(),)) for _ in range(count)]
        self._attacking = True
        self.card.send(frames)
        self._attacking = False

    def _frame(self) -> bytes:
        random = self._random
        kind = random.random()
        if kind < 0.05:
            return self._fitting(self._mac + random.randbytes(random.randint(8, 1500)))
        frame = damaged(random, random.choice(self._corpus), self._corpus)
        if kind < 0.8:
            frame = addressed(frame, self._mac if random.random() < 0.9 else BROADCAST)
            frame = with_right_checksums(frame)
        return self._fitting(frame)

    def _fitting(self, frame: bytes) -> bytes:
        return frame[:1514].ljust(14, b"\0")

    def _check_caps(self) -> None:
        host = self.victim.stack.host
        tcp, ip = host.tcp.host, host.ip
        assert tcp.half_open <= tcp.settings.max_half_open
        assert 0 <= tcp.pool.held <= tcp.pool.limit
        assert ip.reassembly.octets <= ip.reassembly.limits.octets
        assert len(host.interface.neighbors) <= host.interface.neighbors.settings.neighbors

    # Afterwards.

    async def _rest(self) -> None:
        for program in self._programs:
            program.cancel()
        await asyncio.gather(*self._programs, return_exceptions=True)
        await asyncio.sleep(QUIET)
        # A peer whose reset was lost leaves a connection open and idle: that is TCP, and the application's to end.
        for server in self.victim.stack.host.calls.servers:
            server.abort_clients()
        await asyncio.sleep(1)

    def _look(self) -> None:
        """Nothing may be left of what came."""
        host = self.victim.stack.host
        tcp = host.tcp.host
        left = [(each.key.hex(), each.state.name) for each in tcp.connections.values()]
        assert not left, f"left: {left}"
        assert (tcp.half_open, tcp.pool.held, tcp.live) == (0, 0, 0)
        assert not host.tcp.output._paths
        assert (len(host.ip.reassembly), host.ip.reassembly.octets) == (0, 0)
        assert len(host.interface.neighbors.held) == 0
        assert set(host.udp._ports) == {9, 68}
        assert not host.icmp._waiting
        loop: Any = self.sim._runner.get_loop()
        timers = [handle for handle in loop._scheduled if not handle.cancelled()]
        assert len(timers) <= MOST_TIMERS, f"timers: {timers}"

    async def _answer(self) -> None:
        """A newcomer is served, and the host can do all that it could before."""
        stranger = self.sim.host("stranger")
        victim = self.victim.stack
        assert victim.address == ADDRESS
        victim.host.resolver.machine.cache.clear()
        reader, writer = await stranger.open_connection(ADDRESS, 9)
        writer.write(b"still there?")
        assert await reader.read(100) == b"STILL THERE?"
        writer.close()
        await ask_rightly(self.victim, self.peer, bytes(100_000))
        assert list(await victim.resolve("web.test")) == ["10.0.0.7"]
        assert await stranger.stack.host.icmp.ping(victim.host.ip.address, 4000, 1.0) < 0.1

    def counters(self) -> dict[str, int]:
        """What the host has counted."""
        host = self.victim.stack.host
        return host.counters.as_dict()


class Shouting(asyncio.Protocol):
    """Answers in capitals."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


class Returning(asyncio.DatagramProtocol):
    """Sends datagrams back."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class Answering(Datagrams):
    """A DNS server that is thrown at as well."""

    def datagram_received(self, data: bytes, addr: Any) -> None:
        try:
            super().datagram_received(data, addr)
        except (WireError, ValueError):  # no question, or more than one
            return


def main(words: Sequence[str] | None = None) -> int:
    """Attack once; return the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.live", description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=20_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, help="default: any")
    options = parser.parse_args(words)
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    attack = Attack(seed, options.frames)
    try:
        attack.run()
    except BaseException:
        print(f"live: seed {seed}, {options.frames:,} frames", flush=True)
        raise
    told = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in attack.counters().items() if count)
    print(f"live: {options.frames:,} frames, seed {seed}, nothing found: {told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
