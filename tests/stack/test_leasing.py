"""An address by DHCP: granted, renewed, lost and regained, refused, declined, given back; neighbors that are spared."""

from __future__ import annotations

import asyncio

import pytest

from fata.device.net import SentFrame
from fata.driver.net.faults import FaultyNet
from fata.errors import Unavailable
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.stack.ipv4 import NOBODY
from fata.wire import arp
from fata.wire.dhcp_options import DECLINE, DISCOVER, RELEASE, REQUEST
from tests.sim.traffic import ask_rightly, serve
from tests.stack.dhcp_service import DhcpService, serve_dhcp

OFFERED = "10.0.0.200"


@pytest.fixture
def server(sim: Simulation) -> Host:
    return sim.host("server")


@pytest.fixture
def client(sim: Simulation) -> Host:
    return sim.host("client")


async def lease(server: Host, client: Host, seconds: int = 100) -> DhcpService:
    service = await serve_dhcp(server, OFFERED, seconds)
    client.stack.host.configure(NOBODY)
    await client.stack.lease(30)
    assert client.stack.address == OFFERED
    return service


def test_it_is_renewed_and_connections_live_on(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        service = await lease(server, client)
        await serve(server)
        await asyncio.sleep(1000)
        assert client.stack.address == OFFERED
        assert service.heard.count(DISCOVER) == 1
        assert service.heard.count(REQUEST) > 10
        await ask_rightly(client, server, b"x" * 5000)

    sim.run(main())


def test_it_is_lost_when_the_server_is_silent_and_regained(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        service = await lease(server, client)
        await serve(server)
        service.silent = True
        await asyncio.sleep(120)
        assert client.stack.address == "0.0.0.0"
        with pytest.raises(OSError):
            await client.stack.create_connection(asyncio.Protocol, server.address, 7)
        service.silent = False
        service.address = b"\x0a\0\0\xc9"
        await asyncio.sleep(120)
        assert client.stack.address == "10.0.0.201"
        await ask_rightly(client, server, b"x" * 5000)

    sim.run(main())


def test_a_refusal_ends_it_at_once(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        service = await lease(server, client)
        service.refuses = True
        await asyncio.sleep(60)
        assert client.stack.address == "0.0.0.0"

    sim.run(main())


def test_it_is_given_back_when_the_stack_closes(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        service = await lease(server, client)
        await client.stack.close()
        await asyncio.sleep(1)
        assert service.heard[-1] == RELEASE

    sim.run(main())


@pytest.mark.parametrize(("patience", "told"), [(4.0, 0), (30.0, 1)])
def test_nobody_answers(
    sim: Simulation, client: Host, patience: float, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    client.stack.host.configure(NOBODY)
    with pytest.raises(Unavailable, match=f"within {patience:g} s"):
        sim.run(client.stack.lease(patience))
    assert caplog.text.count("no server has answered yet") == told


def claim(card: FaultyNet, address: bytes) -> None:
    """Announce that `address` is the card's."""
    packet = arp.serialize(arp.Packet(arp.REQUEST, card.mac, address, bytes(6), address))
    card.send([SentFrame((b"\xff" * 6 + card.mac + b"\x08\x06" + packet,))])


@pytest.mark.parametrize(("after", "declined"), [(1.0, True), (60.0, False)])
def test_an_address_that_somebody_has_is_declined_while_it_is_new(
    sim: Simulation, server: Host, client: Host, after: float, declined: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        service = await lease(server, client, 3600)
        await asyncio.sleep(after)
        claim(sim.card("squatter"), b"\x0a\0\0\xc8")
        await asyncio.sleep(0.1)
        assert (DECLINE in service.heard) is declined
        service.address = b"\x0a\0\0\xc9"
        await asyncio.sleep(60)
        assert client.stack.address == ("10.0.0.201" if declined else OFFERED)

    sim.run(main())
    assert "uses this host's address as well" in caplog.text


def test_a_neighbor_that_acknowledges_is_not_asked_whether_it_is_there(
    sim: Simulation, server: Host, client: Host
) -> None:
    async def main() -> None:
        await serve(server)
        transport, _ = await client.stack.create_connection(asyncio.Protocol, server.address, 7)
        counters = client.stack.host.interface.neighbors.counters
        before = counters.requests
        for _ in range(300):
            transport.write(b"x")
            await asyncio.sleep(1)
        assert counters.requests - before <= 2  # announcements
        transport.close()

    sim.run(main())


def test_it_is_told_as_text_and_in_seconds_from_now_on(sim: Simulation, server: Host, client: Host) -> None:
    async def main() -> None:
        await lease(server, client, 100)
        await asyncio.sleep(10)
        told = await client.stack.lease(0)
        assert (told.address, told.prefix, told.server) == (OFFERED, 24, server.address)
        assert told.renews <= 40
        assert told.rebinds <= 77.5
        assert told.expires == pytest.approx(90, abs=1)

    sim.run(main())


def test_an_address_that_was_given_is_no_lease(sim: Simulation, client: Host) -> None:
    with pytest.raises(Unavailable, match="given, not leased"):
        sim.run(client.stack.lease(5))
