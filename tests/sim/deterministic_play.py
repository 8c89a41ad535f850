"""A simulation with everything in it, as a program of its own: writes a capture and says what came out."""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

from fata.driver.net.line import Blackout, Faults
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.sim.traffic import ask_rightly, serve
from tests.stack.test_names import Datagrams

PAYLOAD = 400_000  # octets a client sends


class Returning(asyncio.DatagramProtocol):
    """Sends datagrams back."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


async def datagrams(client: Host, server: Host) -> None:
    """Send datagrams, some in fragments, some to a port where nobody listens."""
    for port in (9, 10):
        transport, _ = await client.stack.create_datagram_endpoint(
            asyncio.DatagramProtocol, None, (server.address, port)
        )
        for size in (1, 1000, 5000):
            transport.sendto(bytes(size))
            await asyncio.sleep(0.3)


async def resolve(client: Host) -> None:
    """Look names up: one that is there, one that comes over TCP, one that is not there."""
    for name in ("web.test", "many.test", "nobody.test"):
        try:
            await client.stack.resolve(name)
        except OSError:
            continue


async def play(sim: Simulation, clients: int) -> None:
    server = sim.hosts["server"]
    await serve(server)
    sim.at(1.0, lambda: sim.cut("server", "client 0"))
    sim.at(4.0, sim.heal)
    rubbish = random.Random(sim.seed)
    payloads = [rubbish.randbytes(PAYLOAD) for _ in range(clients)]
    await server.stack.create_datagram_endpoint(Datagrams, ("0.0.0.0", 53))
    await server.stack.create_datagram_endpoint(Returning, ("0.0.0.0", 9))
    names = {f"client {number}" for number in range(clients)}  # a set: its order is PYTHONHASHSEED's
    await asyncio.gather(
        *(datagrams(sim.hosts[name], server) for name in sorted(names)),
        *(resolve(sim.hosts[name]) for name in sorted(names)),
        *(ask_rightly(sim.hosts[name], server, payload) for name, payload in zip(sorted(names), payloads, strict=True)),
    )


async def switch_off(sim: Simulation) -> None:
    """Close every host with whatever it has open."""
    for host in sim.hosts.values():
        await host.stack.close()


def main(seed: int, path: str) -> None:
    faults = Faults(
        loss=0.03,
        duplicate=0.02,
        corrupt=0.01,
        reorder=0.05,
        delay=0.01,
        jitter=0.004,
        rate=5e6,
        blackouts=(Blackout(0.5, at=2.0),),
    )
    with Simulation(seed) as sim:
        sim.record(path)
        sim.host("server", link=faults)
        for number in range(3):
            sim.host(f"client {number}", link=faults, dns=(sim.hosts["server"].address,))
        sim.run(play(sim, 3))
        sim.run(switch_off(sim))
        sys.stdout.write(f"{sim.now!r} {sim.hosts['server'].cable.receiving.counters}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
