"""What asyncio's protocols may do to our transport: raise anywhere, change over, bring their own buffers."""

from __future__ import annotations

import asyncio
import io
import socket
from typing import Any

import pytest

from fata.proto.tcp.settings import HostSettings
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.conformance.stack_peers import Accepting, Echo, Peer


@pytest.fixture
def hosts(sim: Simulation) -> tuple[Host, Host]:
    return sim.host("server"), sim.host("client")


async def connect(hosts: tuple[Host, Host], make: Any = Peer) -> tuple[Any, Any, Any]:
    """Return the client's transport and protocol, and the server's protocol, which `make` makes."""
    server, client = hosts
    accepting = Accepting(make)
    await server.stack.create_server(accepting, port=7)
    transport, peer = await client.stack.create_connection(Peer, server.address, 7)
    return transport, peer, await accepting.accepted.get()


def test_what_came_while_a_protocol_paused_is_given_in_pieces_between_which_it_may_pause_again(sim: Simulation) -> None:
    most, body = 5000, bytes(range(250)) * 400
    hosts = sim.host("server", caps=HostSettings(max_delivered=most)), sim.host("client")

    class Sipping(Peer):
        sizes: tuple[int, ...] = ()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.sizes = (*self.sizes, len(data))
            if len(self.sizes) % 3 == 0:
                self.transport.pause_reading()

    async def main() -> None:
        transport, _, sipping = await connect(hosts, Sipping)
        sipping.transport.pause_reading()
        transport.write(body)
        transport.write_eof()
        await asyncio.sleep(5)
        while len(sipping.received) < len(body):
            had = len(sipping.received)
            sipping.transport.resume_reading()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(sipping.received) - had == 3 * most or len(sipping.received) == len(body)
            await asyncio.sleep(1)
        sipping.transport.resume_reading()
        await asyncio.sleep(1)
        assert sipping.received == body
        assert set(sipping.sizes) == {most}
        assert hosts[0].stack.host.tcp.host.pool.held == 0

    sim.run(main())


@pytest.mark.parametrize("callback", ["connection_made", "data_received", "eof_received"])
def test_a_callback_that_raises_ends_its_own_connection_only(
    sim: Simulation, hosts: tuple[Host, Host], callback: str
) -> None:
    class Broken(Peer):
        pass

    def fail(*_: object) -> None:
        raise KeyError("broken")

    setattr(Broken, callback, fail)

    async def main() -> None:
        transport, peer, broken = await connect(hosts, Broken)
        await hosts[0].stack.create_server(Echo, port=8)
        other, echoed = await hosts[1].stack.create_connection(Peer, hosts[0].address, 8)
        transport.write(b"x")
        if callback == "eof_received":
            transport.write_eof()
        await peer.lost.wait()
        await broken.lost.wait()
        assert isinstance(broken.error, KeyError)
        assert isinstance(peer.error, ConnectionResetError)
        other.write(b"still here")
        await asyncio.sleep(1)
        assert echoed.received == b"still here"

    with pytest.raises(KeyError, match="broken"):  # the loop's exception handler has been told
        sim.run(main())


class Buffered(asyncio.BufferedProtocol):
    """Takes what comes, some octets at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray(7)
        self.received = b""
        self.lost = asyncio.Event()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.buffer[:nbytes]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


def test_a_protocol_with_its_own_buffers(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    async def main() -> None:
        transport, _, buffered = await connect(hosts, Buffered)
        transport.write(bytes(range(250)))
        transport.close()
        await buffered.lost.wait()
        assert buffered.received == bytes(range(250))

    sim.run(main())


def test_another_protocol_may_take_over(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    async def main() -> None:
        transport, _, first = await connect(hosts)
        transport.write(b"one")
        await asyncio.sleep(1)
        second = Buffered()
        first.transport.set_protocol(second)
        assert first.transport.get_protocol() is second
        transport.write(b"another")
        await asyncio.sleep(1)
        assert (first.received, second.received) == (b"one", b"another")
        transport.abort()
        await second.lost.wait()

    sim.run(main())


def test_half_a_connection_still_carries(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    async def main() -> None:
        transport, peer, accepted = await connect(hosts)
        assert transport.can_write_eof()
        transport.write_eof()
        with pytest.raises(RuntimeError):
            transport.write(b"late")
        await accepted.eof.wait()
        await asyncio.sleep(3600)
        accepted.transport.writelines([b"an hour ", bytearray(b"later"), memoryview(b"!")])
        await asyncio.sleep(1)
        assert peer.received == b"an hour later!"
        accepted.transport.close()
        transport.close()

    sim.run(main())


def test_what_is_written_after_the_end_is_told_once(
    sim: Simulation, hosts: tuple[Host, Host], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        transport, peer, _ = await connect(hosts)
        transport.abort()
        await peer.lost.wait()
        for _ in range(20):
            transport.write(b"late")
        assert transport.is_closing()
        assert not transport.is_reading()

    sim.run(main())
    assert caplog.text.count("connection that is closed") == 1


def test_what_may_be_asked_of_it(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    async def main() -> None:
        transport, _, accepted = await connect(hosts)
        assert transport.get_extra_info("peername") == accepted.transport.get_extra_info("sockname") == ("10.0.0.1", 7)
        view = transport.get_extra_info("socket")
        assert (view.family, view.type, view.fileno()) == (socket.AF_INET, socket.SOCK_STREAM, -1)
        assert view.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert transport.get_extra_info("cipher", "none") == "none"
        assert "ESTABLISHED" in repr(transport)
        with pytest.raises(TypeError):
            transport.write("text")
        transport.close()
        accepted.transport.close()

    sim.run(main())


def test_a_file_is_sent(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    async def main() -> None:
        transport, _, accepted = await connect(hosts)
        octets = bytes(range(256)) * 2000
        loop = asyncio.get_running_loop()
        assert await loop.sendfile(transport, io.BytesIO(octets), 10) == len(octets) - 10
        transport.close()
        await accepted.eof.wait()
        assert accepted.received == octets[10:]
        accepted.transport.close()

    sim.run(main())
