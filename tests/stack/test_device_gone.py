"""A card that is removed: everybody who waits for it is told."""

from __future__ import annotations

import asyncio
import errno

import pytest

from fata.driver.net.faults import FaultyNet
from fata.errors import DeviceError
from fata.sim.network import Simulation
from fata.stack.ipv4 import NOBODY
from tests.conformance.stack_peers import Accepting, Peer


class Gone(DeviceError):
    """The card of this test has been removed."""


def remove(card: FaultyNet) -> None:
    """Have the card answer as a TAP does whose interface was removed."""

    def fail(*_: object) -> int:
        raise Gone("T: the interface has been removed")

    card.send = fail  # type: ignore[method-assign, assignment]


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


def test_all_who_wait_are_told(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=7)
        await client.stack.create_server(Peer, "127.0.0.1", 9)
        _, inside = await client.stack.create_connection(Peer, "127.0.0.1", 9)
        transport, peer = await client.stack.create_connection(Peer, server.address, 7)
        _, datagrams = await client.stack.create_datagram_endpoint(Datagrams, None, (server.address, 5))
        listening = await client.stack.create_server(Peer, port=8)
        serving = asyncio.create_task(listening.serve_forever())
        connecting = asyncio.create_task(client.stack.create_connection(Peer, "10.0.0.77", 7))
        pinging = asyncio.create_task(client.stack.host.icmp.ping(b"\x0a\0\0\x4d", 8, 1000.0))
        await asyncio.sleep(0.1)
        remove(client.cable)
        transport.write(b"into nothing")
        await peer.lost.wait()
        assert isinstance(peer.error, OSError)
        assert peer.error.errno == errno.ENETDOWN
        assert isinstance(await datagrams.lost, OSError)
        with pytest.raises(Gone):
            await serving
        for waiting in (connecting, pinging):
            with pytest.raises(OSError, match="removed"):
                await waiting
        with pytest.raises(OSError, match="removed"):
            await client.stack.create_connection(Peer, server.address, 7)
        assert not inside.lost.is_set()
        assert asyncio.get_running_loop().time() < 1
        await client.stack.close()

    with Simulation(1) as sim:
        server, client = sim.host("server"), sim.host("client")
        sim.run(main())
    assert "the network has gone: T: the interface has been removed" in caplog.text


def test_who_waits_for_a_lease_is_told() -> None:
    async def main() -> None:
        client.stack.host.configure(NOBODY)
        remove(client.cable)
        with pytest.raises(Gone):
            await client.stack.lease(1000.0)

    with Simulation(1) as sim:
        client = sim.host("client")
        sim.run(main())
        assert sim.now < 1
