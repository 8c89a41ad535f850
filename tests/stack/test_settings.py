"""TCP's knobs, where users can turn them: for a stack, for a host of a simulation, for one connection."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from fata.proto.tcp.connection import Connection
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.time_wait import TimeWait
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.wire.tcp import parse
from tests.conformance.stack_peers import Echo, Peer


def pair(sim: Simulation, **options: Any) -> tuple[Host, Host]:
    """Return a server, and a client with options."""
    return sim.host("server", "10.0.0.1/24"), sim.host("client", "10.0.0.2/24", **options)


async def connected(server: Host, client: Host) -> Any:
    await server.stack.create_server(Echo, "10.0.0.1", 7)
    transport, _ = await client.stack.create_connection(Peer, "10.0.0.1", 7)
    return transport


def test_congestion_control_and_buffer_of_a_host(sim: Simulation) -> None:
    server, client = pair(sim, settings=Settings(congestion="newreno", receive_buffer=4096))
    windows = []

    def look(_moment: float, frame: bytes) -> None:
        if frame[12:14] == b"\x08\0" and frame[26:30] == b"\x0a\0\0\2":
            windows.append(parse(frame, 34, len(frame)).window)

    sim.observe(look)

    async def main() -> None:
        transport = await connected(server, client)
        view = transport.get_extra_info("socket")
        assert view.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16) == b"newreno"
        assert not view.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
        await asyncio.sleep(1)

    sim.run(main())
    assert windows
    assert max(windows) <= 4096


def test_how_long_time_wait_lasts(sim: Simulation) -> None:
    server, client = pair(sim, caps=HostSettings(time_wait=5.0))

    async def main() -> None:
        transport = await connected(server, client)
        transport.close()
        await asyncio.sleep(4)
        (record,) = client.stack.host.tcp.host.connections.values()
        assert isinstance(record, TimeWait)
        await asyncio.sleep(2)
        assert not client.stack.host.tcp.host.connections

    sim.run(main())


def test_caps_of_a_host(sim: Simulation) -> None:
    server, client = pair(sim, caps=HostSettings(max_connections=1))

    async def main() -> None:
        transport = await connected(server, client)
        with pytest.raises(OSError, match="1 connections are open"):
            await client.stack.create_connection(Peer, "10.0.0.1", 7)
        transport.close()

    sim.run(main())


@pytest.mark.parametrize(("name", "chosen"), [(b"reno", b"newreno"), (b"newreno", b"newreno"), (b"cubic\0", b"cubic")])
def test_congestion_control_of_one_connection(sim: Simulation, name: bytes, chosen: bytes) -> None:
    server, client = pair(sim)

    async def main() -> None:
        transport = await connected(server, client)
        view = transport.get_extra_info("socket")
        (connection,) = client.stack.host.tcp.host.connections.values()
        assert isinstance(connection, Connection)
        window = connection.congestion.window
        view.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
        assert view.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16) == chosen
        assert connection.congestion.window == window
        transport.write(b"x" * 100_000)
        transport.write_eof()
        await transport.get_protocol().eof.wait()
        assert transport.get_protocol().received == b"x" * 100_000

    sim.run(main())


def test_values_that_make_no_sense_are_refused(sim: Simulation) -> None:
    server, client = pair(sim)

    async def main() -> None:
        view = (await connected(server, client)).get_extra_info("socket")
        none = ((socket.TCP_KEEPIDLE, 0), (socket.TCP_KEEPINTVL, 0), (socket.TCP_KEEPCNT, -1))
        for option, value in (*none, (socket.TCP_USER_TIMEOUT, -1)):
            with pytest.raises(OSError, match="Invalid argument") as refused:
                view.setsockopt(socket.IPPROTO_TCP, option, value)
            assert refused.value.errno == errno.EINVAL
        with pytest.raises(FileNotFoundError, match="vegas"):
            view.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"vegas")

    sim.run(main())


def test_who_went_silent_gives_way_once_the_server_is_done_with_him(sim: Simulation) -> None:
    server = sim.host("server", "10.0.0.1/24", caps=HostSettings(max_connections=2))
    silent, client = sim.host("silent", "10.0.0.2/24"), sim.host("client", "10.0.0.3/24")
    accepted: list[Peer] = []

    def accept() -> Peer:
        accepted.append(Peer())
        return accepted[-1]

    async def main() -> None:
        await server.stack.create_server(accept, "10.0.0.1", 7)
        for _ in range(2):
            await silent.stack.create_connection(Peer, "10.0.0.1", 7)
        await asyncio.sleep(1)
        silent.power_cut()
        connecting = asyncio.create_task(client.stack.create_connection(Peer, "10.0.0.1", 7))
        await asyncio.sleep(10)
        assert not connecting.done(), "both places are taken, as far as anybody knows"
        for peer in accepted:
            peer.transport.close()
        await connecting
        await asyncio.sleep(1)
        counters = server.stack.host.tcp.host.counters
        assert (counters.evicted_abandoned, len(accepted)) == (1, 3)
        assert counters.refused_connections > 0

    sim.run(main())
