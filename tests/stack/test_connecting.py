"""Giving up a connection that is still on its way leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from fata.sim.network import Simulation
from tests.conformance.stack_peers import Peer


@pytest.mark.parametrize("patience", [0.0, 0.5, 30.0])
def test_a_connection_to_somebody_who_is_silent_is_given_up_whole(sim: Simulation, patience: float) -> None:
    client, silent = sim.host("client", "10.0.0.1/24"), sim.host("silent", "10.0.0.2/24")

    async def main() -> None:
        sim.cut(silent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(patience):
                await client.stack.create_connection(Peer, "10.0.0.2", 7)
        await asyncio.sleep(0.01)
        tcp = client.stack.host.tcp.host
        assert not tcp.connections
        assert (tcp.half_open, tcp.pool.held) == (0, 0)

    sim.run(main())


def test_one_that_was_made_while_it_was_given_up_is_ended_at_both_ends(sim: Simulation) -> None:
    server, client = sim.host("server", "10.0.0.1/24"), sim.host("client", "10.0.0.2/24")
    ends: list[Peer] = []

    def accept() -> Peer:
        ends.append(Peer())
        return ends[-1]

    async def attempt(patience: float) -> None:
        task = asyncio.create_task(client.stack.create_connection(Peer, "10.0.0.1", 7))
        await asyncio.sleep(patience)
        task.cancel()
        try:
            transport, _ = await task
            transport.abort()
        except asyncio.CancelledError:
            pass

    async def main() -> None:
        listening = await server.stack.create_server(accept, "10.0.0.1", 7)
        for step in range(60):
            await attempt(step * 10e-6)  # a frame takes 50 µs each way
        await asyncio.sleep(1)
        listening.close()
        assert not client.stack.host.tcp.host.connections
        assert not server.stack.host.tcp.host.connections
        assert all(end.lost.is_set() for end in ends)
        assert 0 < len(ends) < 60

    sim.run(main())
