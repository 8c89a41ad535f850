"""TLS over our stack: `ssl=` and `start_tls`, both sides, and handshakes that fail."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from fata.proto.tcp.settings import DELIVERED, HostSettings
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.certificates import Certificate, self_signed
from tests.conformance.stack_peers import Accepting, Echo, Peer

pytestmark = pytest.mark.slow  # openssl is started

NAME, ADDRESS = "server.test", "10.0.0.1"
BULK = bytes(range(251)) * 4000  # 1 MB


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("tls")
    return self_signed(folder, NAME, ADDRESS)


@pytest.fixture
def serving(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


@pytest.fixture
def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.chain)


@pytest.fixture
def hosts(sim: Simulation) -> tuple[Host, Host]:
    return sim.host("server", f"{ADDRESS}/24"), sim.host("client", "10.0.0.2/24")


async def connect_plainly(hosts: tuple[Host, Host]) -> tuple[Any, Peer, Peer]:
    """Connect without TLS; return the client's transport and protocol, and the server's protocol."""
    server, client = hosts
    accepting = Accepting()
    await server.stack.create_server(accepting, port=25)
    transport, peer = await client.stack.create_connection(Peer, ADDRESS, 25)
    return transport, peer, await accepting.accepted.get()


def is_clean(*hosts: Host) -> bool:
    """Say whether no connection is left but records of TIME-WAIT."""
    return all(host.stack.host.tcp.host.live == 0 for host in hosts)


def test_a_server_and_a_client_with_ssl(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    server, client = hosts

    async def main() -> None:
        listening = await server.stack.create_server(Echo, ADDRESS, 443, ssl=serving)
        transport, peer = await client.stack.create_connection(Peer, ADDRESS, 443, ssl=trusting, server_hostname=NAME)
        assert transport.get_extra_info("peercert")["subject"] == ((("commonName", NAME),),)
        assert transport.get_extra_info("peername") == (ADDRESS, 443)
        assert transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        transport.write(BULK)
        while len(peer.received) < len(BULK):
            await asyncio.sleep(0.1)
        assert peer.received == BULK
        transport.close()
        await peer.lost.wait()
        assert peer.error is None
        listening.close()
        await asyncio.sleep(1)
        assert is_clean(server, client)

    sim.run(main())


def test_a_machine_with_little_memory_has_small_buffers_and_carries_as_much(
    sim: Simulation, serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    server = sim.host("server", f"{ADDRESS}/24", caps=HostSettings.within(14 << 20))
    client = sim.host("client", "10.0.0.2/24")

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, ADDRESS, 443, ssl=serving)
        transport, peer = await client.stack.create_connection(Peer, ADDRESS, 443, ssl=trusting, server_hostname=NAME)
        accepted = await accepting.accepted.get()
        await asyncio.sleep(0.1)
        secured = accepted.transport._ssl_protocol
        accepted.transport.pause_reading()
        transport.write(BULK)
        transport.pause_reading()
        for _ in range(120):
            accepted.transport.write(BULK[:30_000])
        assert secured._app_writing_paused
        await asyncio.sleep(10)
        assert len(secured._ssl_buffer) == DELIVERED
        assert secured._incoming.pending < 2 * DELIVERED
        accepted.transport.resume_reading()
        transport.resume_reading()
        await asyncio.sleep(10)
        assert accepted.received == BULK
        assert peer.received == BULK[:30_000] * 120
        assert not secured._app_writing_paused
        transport.close()
        await peer.lost.wait()

    sim.run(main())


@pytest.mark.parametrize("earlier", [b"", b"STARTTLS\r\n"])
def test_start_tls_on_both_sides(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext, earlier: bytes
) -> None:
    """What was said in the clear belongs to the protocol of that time; afterwards the same transport carries TLS."""
    server, client = hosts

    async def main() -> None:
        loop = asyncio.get_running_loop()
        plain, peer, accepted = await connect_plainly(hosts)
        plain.write(earlier)
        await asyncio.sleep(0.1)
        assert accepted.received == earlier
        theirs, ours = Peer(), Peer()
        upgrading = loop.create_task(loop.start_tls(accepted.transport, theirs, serving, server_side=True))
        secure: Any = await loop.start_tls(plain, ours, trusting, server_hostname=NAME)
        answering: Any = await upgrading
        secure.write(BULK)
        answering.write(BULK[::-1])
        await asyncio.sleep(10)
        assert theirs.received == BULK
        assert ours.received == BULK[::-1]
        assert (bytes(accepted.received), bytes(peer.received)) == (earlier, b"")
        secure.close()
        await asyncio.sleep(1)
        answering.close()
        await asyncio.sleep(1)
        assert theirs.lost.is_set()
        assert ours.lost.is_set()
        assert is_clean(server, client)

    sim.run(main())


def test_start_tls_of_streams(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    server, client = hosts

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go ahead\n")
        await writer.start_tls(serving)
        writer.write((await reader.readline()).upper())
        writer.close()

    async def main() -> None:
        await server.start_server(serve, 25)
        reader, writer = await client.open_connection(server, 25)
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go ahead\n"
        await writer.start_tls(trusting, server_hostname=NAME)
        writer.write(b"secret\n")
        assert await reader.read() == b"SECRET\n"
        writer.close()

    sim.run(main())


def test_a_client_that_does_not_trust_the_server_says_so_and_leaves_nothing(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext
) -> None:
    server, client = hosts

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, ADDRESS, 443, ssl=serving)
        with pytest.raises(ssl.SSLCertVerificationError):
            await client.stack.create_connection(Peer, ADDRESS, 443, ssl=ssl.create_default_context())
        await asyncio.sleep(60)
        assert accepting.accepted.qsize() <= 1
        assert is_clean(server, client)

    sim.run(main())


def test_a_client_that_expects_another_name(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    server, client = hosts

    async def main() -> None:
        await server.stack.create_server(Peer, ADDRESS, 443, ssl=serving)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.test"):
            await client.stack.create_connection(Peer, ADDRESS, 443, ssl=trusting, server_hostname="other.test")
        await asyncio.sleep(60)
        assert is_clean(server, client)

    sim.run(main())


@pytest.mark.parametrize("side", ["server", "client"])
def test_start_tls_with_somebody_who_speaks_no_tls(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext, side: str
) -> None:
    server, client = hosts

    async def main() -> None:
        loop = asyncio.get_running_loop()
        plain, peer, accepted = await connect_plainly(hosts)
        if side == "server":
            plain.write(b"EHLO what is TLS?\r\n" * 10)
            upgrade = loop.start_tls(accepted.transport, Peer(), serving, server_side=True)
        else:
            accepted.transport.write(b"220 what is TLS?\r\n" * 10)
            upgrade = loop.start_tls(plain, Peer(), trusting, server_hostname=NAME)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await upgrade
        await asyncio.sleep(1)
        for left in (plain, accepted.transport):
            left.abort()
        await asyncio.sleep(1)
        assert peer.lost.is_set() or side == "client"
        assert is_clean(server, client)

    sim.run(main())


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_handshake_with_somebody_who_is_silent_is_given_up(
    sim: Simulation, hosts: tuple[Host, Host], serving: ssl.SSLContext, trusting: ssl.SSLContext, side: str
) -> None:
    server, client = hosts

    async def main() -> None:
        loop = asyncio.get_running_loop()
        plain, peer, accepted = await connect_plainly(hosts)
        began = loop.time()
        if side == "server":
            upgrade = loop.start_tls(accepted.transport, Peer(), serving, server_side=True, ssl_handshake_timeout=5)
        else:
            upgrade = loop.start_tls(plain, Peer(), trusting, server_hostname=NAME, ssl_handshake_timeout=5)
        with pytest.raises(ConnectionAbortedError):
            await upgrade
        assert 5 <= loop.time() - began < 5.5
        await asyncio.sleep(1)
        lost = peer if side == "server" else accepted
        assert lost.lost.is_set()
        assert is_clean(server, client)

    sim.run(main())


def test_a_connection_that_is_reset_in_the_middle_of_a_handshake(
    sim: Simulation, hosts: tuple[Host, Host], trusting: ssl.SSLContext
) -> None:
    server, client = hosts

    async def main() -> None:
        loop = asyncio.get_running_loop()
        accepting = Accepting()
        await server.stack.create_server(accepting, port=443)
        connecting = loop.create_task(
            client.stack.create_connection(Peer, ADDRESS, 443, ssl=trusting, server_hostname=NAME)
        )
        accepted = await accepting.accepted.get()
        await asyncio.sleep(0.5)
        accepted.transport.abort()
        with pytest.raises(ConnectionError):
            await connecting
        await asyncio.sleep(1)
        assert is_clean(server, client)

    sim.run(main())


def test_a_client_that_gives_up_waiting_for_the_handshake_leaves_nothing(
    sim: Simulation, hosts: tuple[Host, Host], trusting: ssl.SSLContext
) -> None:
    server, client = hosts

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=443)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await client.stack.create_connection(Peer, ADDRESS, 443, ssl=trusting, server_hostname=NAME)
        accepted = await accepting.accepted.get()
        await asyncio.sleep(1)
        assert isinstance(accepted.error, ConnectionResetError)
        assert is_clean(server, client)

    sim.run(main())


def test_what_is_no_context_is_refused(sim: Simulation, hosts: tuple[Host, Host]) -> None:
    server, _ = hosts

    async def main() -> None:
        for wrong in (True, False):
            with pytest.raises(TypeError, match="SSLContext"):
                await server.stack.create_server(Peer, port=443, ssl=wrong)  # type: ignore[arg-type]

    sim.run(main())
