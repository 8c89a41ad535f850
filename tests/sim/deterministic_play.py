"""A simulation with everything in it, as a program of its own: writes a capture and says what came out."""

from __future__ import annotations

import asyncio
import random
import sys

from fata.driver.net.line import Blackout, Faults
from fata.sim.network import Simulation
from tests.sim.traffic import ask_rightly, serve

PAYLOAD = 400_000  # octets a client sends


async def play(sim: Simulation, clients: int) -> None:
    server = sim.hosts["server"]
    await serve(server)
    sim.at(1.0, lambda: sim.cut("server", "client 0"))
    sim.at(4.0, sim.heal)
    rubbish = random.Random(sim.seed)
    payloads = [rubbish.randbytes(PAYLOAD) for _ in range(clients)]
    names = {f"client {number}" for number in range(clients)}  # a set: its order is PYTHONHASHSEED's
    await asyncio.gather(
        *(ask_rightly(sim.hosts[name], server, payload) for name, payload in zip(sorted(names), payloads, strict=True))
    )


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
            sim.host(f"client {number}", link=faults)
        sim.run(play(sim, 3))
        sys.stdout.write(f"{sim.now!r} {sim.hosts['server'].cable.receiving.counters}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
