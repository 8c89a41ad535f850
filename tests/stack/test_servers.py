"""Servers with several addresses, and what `asyncio.Server` promises of them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from fata.errors import Unavailable
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.conformance.stack_peers import Accepting, Echo, Peer

OURS, LOOPBACK = "10.0.0.1", "127.0.0.1"


@pytest.fixture
def server(sim: Simulation) -> Host:
    return sim.host("server", f"{OURS}/24")


@pytest.fixture
def client(sim: Simulation) -> Host:
    return sim.host("client", "10.0.0.2/24")


async def answers(host: Host, address: str, port: int) -> bool:
    """Say whether an echo server is there."""
    try:
        transport, peer = await host.stack.create_connection(Peer, address, port)
    except ConnectionRefusedError:
        return False
    transport.write(b"hello")
    await asyncio.sleep(1)
    transport.close()
    return peer.received == b"hello"


def test_several_addresses_share_a_free_port(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        made: Any = await server.stack.host.calls.create_server(Echo, [OURS, LOOPBACK, OURS], 0)
        places = made.addresses
        assert [address for address, _ in places] == [OURS, LOOPBACK]  # each once
        (port,) = {port for _, port in places}
        assert port
        assert [view.getsockname() for view in made.sockets] == list(places)
        assert {view.family for view in made.sockets} == {socket.AF_INET}
        assert await answers(client, OURS, port)
        assert await answers(server, LOOPBACK, port)
        assert await answers(server, OURS, port)
        made.close()
        assert made.sockets == ()
        assert not await answers(client, OURS, port)
        assert not await answers(server, LOOPBACK, port)

    sim.run(main())


def test_one_address_is_not_every_address(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        await server.stack.create_server(Echo, LOOPBACK, 80)
        assert await answers(server, LOOPBACK, 80)
        assert not await answers(client, OURS, 80)
        await server.stack.create_server(Echo, OURS, 80)  # another address's port is another port
        assert await answers(client, OURS, 80)

    sim.run(main())


@pytest.mark.parametrize("every", [None, "", "0.0.0.0", b"0.0.0.0", "::", [None], ["", OURS]])
def test_every_address(sim: Simulation, server: Host, client: Host, every: Any) -> None:
    async def main() -> None:
        calls = server.stack.host.calls
        if every == ["", OURS]:
            with pytest.raises(OSError, match="in use"):  # it would be the same port twice
                await calls.create_server(Echo, every, 80)
            return
        made = await calls.create_server(Echo, every, 80)
        assert made.addresses == [("0.0.0.0", 80)]
        assert await answers(client, OURS, 80)
        assert await answers(server, LOOPBACK, 80)

    sim.run(main())


def test_an_address_that_is_not_ours_is_refused_and_none_is_kept(sim: Simulation, server: Host) -> None:
    async def main() -> None:
        with pytest.raises(OSError, match=r"10\.0\.0\.9"):
            await server.stack.host.calls.create_server(Echo, [OURS, "10.0.0.9"], 80)
        assert not server.stack.host.tcp.host.listeners
        with pytest.raises(Unavailable, match="does not have the address"):
            await server.stack.create_server(Echo, "10.0.0.9", 80)

    sim.run(main())


def test_if_one_port_is_taken_the_others_are_given_back(sim: Simulation, server: Host) -> None:
    async def main() -> None:
        first = await server.stack.create_server(Echo, OURS, 80)
        with pytest.raises(OSError, match="in use"):
            await server.stack.host.calls.create_server(Echo, [LOOPBACK, OURS], 80)
        assert list(server.stack.host.tcp.host.listeners) == [(b"\x0a\0\0\x01", 80)]
        first.close()
        await server.stack.host.calls.create_server(Echo, [LOOPBACK, OURS], 80)

    sim.run(main())


def test_connections_outlive_their_server_until_it_closes_them(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        accepting = Accepting()
        made: Any = await server.stack.create_server(accepting, port=80)
        pairs = []
        for _ in range(3):
            _, peer = await client.stack.create_connection(Peer, OURS, 80)
            pairs.append((peer, await accepting.accepted.get()))
        made.close()
        await made.wait_closed()
        assert not made.is_serving()
        pairs[0][1].transport.write(b"still here")
        await asyncio.sleep(1)
        assert pairs[0][0].received == b"still here"
        made.close_clients()
        await asyncio.sleep(1)
        assert all(peer.eof.is_set() for peer, _ in pairs)
        made.abort_clients()
        for peer, accepted in pairs:
            peer.transport.abort()
            await accepted.lost.wait()

    sim.run(main())


def test_serving_for_ever_ends_with_its_task(sim: Simulation, server: Host) -> None:
    async def main() -> None:
        made: Any = await server.stack.create_server(Echo, port=80)
        forever = asyncio.get_running_loop().create_task(made.serve_forever())
        await asyncio.sleep(1)
        with pytest.raises(RuntimeError, match="already"):
            await made.serve_forever()
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert not made.is_serving()
        with pytest.raises(RuntimeError, match="closed"):
            await made.serve_forever()

    sim.run(main())


def test_a_factory_that_fails_loses_its_own_connection_only(sim: Simulation, server: Host, client: Host) -> None:
    def fail() -> Peer:
        raise KeyError("no protocol")

    async def main() -> None:
        await server.stack.create_server(fail, port=80)
        await server.stack.create_server(Echo, port=81)
        _, peer = await client.stack.create_connection(Peer, OURS, 80)
        await peer.lost.wait()
        assert isinstance(peer.error, ConnectionResetError)
        assert await answers(client, OURS, 81)

    with pytest.raises(KeyError, match="no protocol"):
        sim.run(main())


def test_a_socket_object_is_refused(sim: Simulation, server: Host) -> None:
    async def main() -> None:
        with pytest.raises(NotImplementedError, match="sock="):
            await server.stack.host.calls.create_server(Echo, sock=object())

    sim.run(main())
