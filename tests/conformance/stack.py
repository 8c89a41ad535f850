"""What every Stack promises (`fata.device.stack`). A driver's test subclasses this and brings `run`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import pytest

from fata.device.stack import Server, Stack
from fata.errors import DeviceError, FataError, Unavailable
from tests.conformance.stack_peers import Accepting, Echo, Mailbox, ModestEcho, Peer

PATIENCE = 10  # seconds until a test gives up
BULK = bytes(range(251)) * 8000  # 2 MB, of a period that no power of two divides


class Network(NamedTuple):
    """A server's stack and a client's, which may be one, and where the client finds the server."""

    server: Stack
    client: Stack
    address: str


Test = Callable[[Network], Coroutine[Any, Any, None]]


def port_of(server: Server) -> int:
    return server.addresses[0][1]


class StackContract:
    """TCP, UDP and names."""

    def run(self, test: Test) -> None:
        """Run `test` on a network, in an event loop, and close the stacks."""
        raise NotImplementedError

    def test_what_is_sent_comes_back_whole_and_in_order(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)
            transport, peer = await network.client.create_connection(Peer, network.address, port_of(server))
            transport.write(BULK)
            transport.write_eof()
            await peer.eof.wait()
            assert peer.received == BULK
            transport.close()
            await peer.lost.wait()
            assert peer.error is None

        self.run(test)

    def test_many_connections_do_not_mix(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)

            async def talk(number: int) -> None:
                transport, peer = await network.client.create_connection(Peer, network.address, port_of(server))
                sent = b"%d," % number * 500
                for start in range(0, len(sent), 333):
                    transport.write(sent[start : start + 333])
                    await asyncio.sleep(0)
                transport.write_eof()
                await peer.eof.wait()
                assert peer.received == sent
                transport.close()

            await asyncio.gather(*(talk(number) for number in range(20)))

        self.run(test)

    def test_after_its_end_a_side_still_listens(self) -> None:
        async def test(network: Network) -> None:
            accepting = Accepting()
            server = await network.server.create_server(accepting, network.address)
            transport, client = await network.client.create_connection(Peer, network.address, port_of(server))
            transport.write(b"question")
            transport.write_eof()
            answering = await accepting.accepted.get()
            await answering.eof.wait()
            assert answering.received == b"question"
            answering.transport.write(b"answer")
            answering.transport.close()
            await client.eof.wait()
            assert client.received == b"answer"
            transport.close()
            await asyncio.gather(client.lost.wait(), answering.lost.wait())

        self.run(test)

    def test_what_is_written_after_close_is_dropped(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)
            transport, client = await network.client.create_connection(Peer, network.address, port_of(server))
            transport.close()
            transport.write(b"too late")
            await client.lost.wait()
            assert client.error is None

        self.run(test)

    def test_a_reader_that_pauses_stops_the_writer(self) -> None:
        async def test(network: Network) -> None:
            accepting = Accepting()
            server = await network.server.create_server(accepting, network.address)
            transport, client = await network.client.create_connection(Peer, network.address, port_of(server))
            reading = await accepting.accepted.get()
            reading.transport.pause_reading()
            sent = 0
            while not client.paused:
                transport.write(BULK)
                sent += len(BULK)
                await asyncio.sleep(0)
                assert sent < 1 << 28
            before = len(reading.received)
            reading.transport.resume_reading()
            await client.writable.wait()
            transport.write_eof()
            await reading.eof.wait()
            assert before < len(reading.received) == sent
            transport.close()
            reading.transport.close()

        self.run(test)

    def test_a_reader_that_pauses_gets_all_of_it_after_both_ends_have_ended(self) -> None:
        async def test(network: Network) -> None:
            accepting = Accepting()
            server = await network.server.create_server(accepting, network.address)
            transport, peer = await network.client.create_connection(Peer, network.address, port_of(server))
            accepted = await accepting.accepted.get()
            transport.pause_reading()
            transport.write_eof()
            await accepted.eof.wait()
            accepted.transport.write(BULK[:100_000])
            accepted.transport.close()
            await accepted.lost.wait()
            await asyncio.sleep(0.1)
            assert not peer.received
            assert not peer.lost.is_set()
            transport.resume_reading()
            await peer.eof.wait()
            assert peer.received == BULK[:100_000]
            transport.close()
            await peer.lost.wait()
            assert peer.error is None

        self.run(test)

    @pytest.mark.parametrize("delay", [0, 0.001])
    def test_an_echo_that_pauses_sends_all_of_it_back(self, delay: float) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(ModestEcho, network.address)
            transport, peer = await network.client.create_connection(Peer, network.address, port_of(server))
            transport.write(BULK + BULK)
            transport.write_eof()
            while not peer.eof.is_set():  # a slow reader, so that the echo pauses at many moments
                transport.pause_reading()
                await asyncio.sleep(delay)
                transport.resume_reading()
                await asyncio.sleep(0.0001)
            assert peer.received == BULK + BULK
            transport.close()

        self.run(test)

    def test_an_aborted_connection_is_lost_on_both_sides(self) -> None:
        async def test(network: Network) -> None:
            accepting = Accepting()
            server = await network.server.create_server(accepting, network.address)
            transport, client = await network.client.create_connection(Peer, network.address, port_of(server))
            other = await accepting.accepted.get()
            transport.abort()
            assert transport.is_closing()
            await client.lost.wait()
            while not (other.lost.is_set() or other.eof.is_set()):
                await asyncio.sleep(0)
            other.transport.abort()
            await other.lost.wait()

        self.run(test)

    def test_addresses_are_told_to_both_sides(self) -> None:
        async def test(network: Network) -> None:
            accepting = Accepting()
            server = await network.server.create_server(accepting, network.address)
            transport, _ = await network.client.create_connection(Peer, network.address, port_of(server))
            other = await accepting.accepted.get()
            peername = transport.get_extra_info("peername")
            assert tuple(peername[:2]) == (network.address, port_of(server)) == tuple(server.addresses[0])
            assert other.transport.get_extra_info("peername") == transport.get_extra_info("sockname")
            assert transport.get_extra_info("no such thing", "default") == "default"
            transport.close()
            other.transport.close()

        self.run(test)

    def test_port_0_is_a_free_port_the_same_on_every_address(self) -> None:
        async def test(network: Network) -> None:
            servers = [await network.server.create_server(Peer) for _ in range(3)]
            ports = [{port for _, port in server.addresses} for server in servers]
            assert all(len(several) == 1 for several in ports)
            assert len(set.union(*ports)) == 3
            assert 0 not in set.union(*ports)

        self.run(test)

    def test_a_port_that_is_taken_is_refused_by_its_number_and_free_afterwards(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)
            port = port_of(server)
            for host in (network.address, None):
                with pytest.raises(DeviceError, match=str(port)):
                    await network.server.create_server(Peer, host, port)
            transport, peer = await network.client.create_connection(Peer, network.address, port)
            transport.write_eof()
            await peer.eof.wait()
            transport.close()
            server.close()
            await server.wait_closed()
            again = await network.server.create_server(Peer, network.address, port)
            assert port_of(again) == port

        self.run(test)

    @pytest.mark.parametrize("port", [-1, 0x10000, 70_000])
    def test_a_number_that_no_port_has_is_the_users_mistake(self, port: int) -> None:
        async def test(network: Network) -> None:
            with pytest.raises(Unavailable, match=f"TCP port {port} is no port"):
                await network.server.create_server(Peer, network.address, port)
            with pytest.raises(Unavailable, match=f"TCP port {port} is no port"):
                await network.client.create_connection(Peer, network.address, port)
            for local, remote in ((network.address, port), None), (None, (network.address, port)):
                with pytest.raises(Unavailable, match=f"UDP port {port} is no port"):
                    await network.server.create_datagram_endpoint(Mailbox, local, remote)

        self.run(test)

    def test_a_port_where_nobody_listens_refuses(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Peer, network.address)
            server.close()
            await server.wait_closed()
            with pytest.raises(ConnectionRefusedError):
                await network.client.create_connection(Peer, network.address, port_of(server))

        self.run(test)

    def test_a_server_that_closes_leaves_its_connections_alone(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)
            transport, peer = await network.client.create_connection(Peer, network.address, port_of(server))
            transport.write(b"one")
            while peer.received != b"one":
                await asyncio.sleep(0)
            waiting = asyncio.create_task(server.wait_closed())
            await asyncio.sleep(0)
            assert not waiting.done()
            server.close()
            server.close()
            await waiting
            transport.write(b"two")
            transport.write_eof()
            await peer.eof.wait()
            assert peer.received == b"onetwo"
            transport.close()
            await peer.lost.wait()

        self.run(test)

    def test_datagrams_keep_their_limits(self) -> None:
        async def test(network: Network) -> None:
            listening, ours = await network.server.create_datagram_endpoint(Mailbox, (network.address, 0))
            at = listening.get_extra_info("sockname")[:2]
            transport, theirs = await network.client.create_datagram_endpoint(Mailbox, None, at)
            for data in (b"one", b"x", b"y" * 1400):
                transport.sendto(data)
                received, sender = await ours.received.get()
                assert received == data
                listening.sendto(b"re: " + data, sender)
                assert (await theirs.received.get())[0] == b"re: " + data
            transport.close()
            listening.close()
            assert listening.is_closing()

        self.run(test)

    def test_a_datagram_port_that_is_taken_is_refused_by_its_number(self) -> None:
        async def test(network: Network) -> None:
            listening, _ = await network.server.create_datagram_endpoint(Mailbox, (network.address, 0))
            port = listening.get_extra_info("sockname")[1]
            with pytest.raises(DeviceError, match=str(port)):
                await network.server.create_datagram_endpoint(Mailbox, (network.address, port))
            listening.close()

        self.run(test)

    def test_an_address_is_its_own_name(self) -> None:
        async def test(network: Network) -> None:
            assert list(await network.client.resolve(network.address)) == [network.address]

        self.run(test)

    @pytest.mark.parametrize("name", ["a..b", "x" * 64, "."])
    def test_what_can_be_no_name_has_no_addresses(self, name: str) -> None:
        async def test(network: Network) -> None:
            with pytest.raises(OSError):
                await network.client.resolve(name)
            with pytest.raises(OSError):
                await network.client.create_connection(Peer, name, 80)

        self.run(test)

    def test_a_stack_that_closes_stops_listening_and_closes_twice(self) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Peer, network.address)
            waiting = asyncio.create_task(server.wait_closed())
            await network.server.close()
            await network.server.close()
            await waiting
            with pytest.raises((OSError, FataError)):
                await network.client.create_connection(Peer, network.address, port_of(server))

        self.run(test)

    @pytest.mark.parametrize("turns", range(6))
    def test_a_cancelled_call_leaves_nothing_behind(self, turns: int) -> None:
        async def test(network: Network) -> None:
            server = await network.server.create_server(Echo, network.address)
            port = port_of(server)
            connecting = asyncio.create_task(network.client.create_connection(Peer, network.address, port))
            await cancel_after(connecting, turns)
            for _ in range(5):  # asyncio forgets to close a connection that its server was just about to accept
                await asyncio.sleep(0)
            server.close()
            listening = asyncio.create_task(network.server.create_server(Peer, network.address, port))
            await cancel_after(listening, turns)
            again = await network.server.create_server(Peer, network.address, port)
            again.close()

        self.run(test)


async def cancel_after(task: asyncio.Task[Any], turns: int) -> None:
    """Let `task` run for some turns of the loop, then cancel it, or close what it made in time."""
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    try:
        made = await task
    except asyncio.CancelledError:
        return
    (made[0] if isinstance(made, tuple) else made).close()
