"""Heavy losses both ways: connections get through, for an acknowledgment of old duplicates tells no round trip."""

from __future__ import annotations

import asyncio

import pytest

from fata.driver.net.line import Faults
from fata.sim.network import Simulation
from tests.conformance.stack_peers import Accepting, Peer

SIZE = 200_000  # octets
MOST = 300.0  # seconds; the median of twenty seeds is 12


@pytest.mark.parametrize("seed", range(4))
def test_a_third_lost_each_way_is_slow_but_whole(seed: int) -> None:
    sim = Simulation(seed)
    server = sim.host("server", "10.0.0.1/24")
    client = sim.host("client", "10.0.0.2/24", link=Faults(loss=0.3, delay=0.02))
    sent = bytes(range(250)) * (SIZE // 250)

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, "10.0.0.1", 7)
        transport, _ = await client.stack.create_connection(Peer, "10.0.0.1", 7)
        transport.write(sent)
        transport.write_eof()
        peer = await accepting.accepted.get()
        async with asyncio.timeout(MOST):
            await peer.eof.wait()
        assert peer.received == sent

    with sim:
        sim.run(main())
