"""Who a host may be, by what its user says; and what is bound to one address only."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from fata.driver.poller.virtual import VirtualPoller
from fata.errors import ConfigError, Unavailable
from fata.stack.ipv4 import NOBODY, Addressing, read_addressing
from tests.stack.networks import run_virtual, stacks


class Mailbox(asyncio.DatagramProtocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.append(data)


def test_an_address_and_its_router() -> None:
    assert read_addressing("192.0.2.2/24") == Addressing(b"\xc0\0\2\2", 24)
    assert read_addressing("192.0.2.2/24", "192.0.2.1").gateway == b"\xc0\0\2\1"
    assert read_addressing("192.0.2.0/31", "192.0.2.1").gateway == b"\xc0\0\2\1", "RFC 3021"
    assert read_addressing(None) == NOBODY
    with pytest.raises(ConfigError, match=r"the router 192\.0\.2\.1 is given, and no address"):
        read_addressing(None, "192.0.2.1")
    assert read_addressing("192.0.2.2/32") == Addressing(b"\xc0\0\2\2", 32)


@pytest.mark.parametrize(
    "cidr",
    ["192.0.2.0/24", "192.0.2.255/24", "224.0.0.5/24", "255.255.255.255/32", "127.0.0.1/8", "0.0.0.0/0", "0.0.0.1/8",
     "192.0.2.1/0"],
)  # fmt: skip
def test_what_is_no_hosts_address_is_refused(cidr: str) -> None:
    with pytest.raises(ConfigError, match=f"{cidr} is no host's address"):
        read_addressing(cidr)


@pytest.mark.parametrize(
    ("router", "reason"),
    [("198.51.100.1", "is not in the network"), ("192.0.2.2", "is no other host"), ("192.0.2.0", "is no other host"),
     ("192.0.2.255", "is no other host"), ("router", "no IPv4 address")],
)  # fmt: skip
def test_what_can_be_no_router_is_refused(router: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_addressing("192.0.2.2/24", router)


def test_a_datagram_port_of_one_address_is_deaf_to_all_others() -> None:
    async def main(poller: VirtualPoller) -> None:
        server, client = stacks(poller, 2)
        inside, secret = await server.create_datagram_endpoint(Mailbox, ("127.0.0.1", 53))
        _, public = await server.create_datagram_endpoint(Mailbox, (server.address, 54))
        _, everywhere = await server.create_datagram_endpoint(Mailbox, ("0.0.0.0", 55))
        outside, _ = await client.create_datagram_endpoint(Mailbox)
        own, _ = await server.create_datagram_endpoint(Mailbox)
        for port in (53, 54, 55):
            outside.sendto(b"from outside", (server.address, port))
            own.sendto(b"from inside", ("127.0.0.1", port))
        await asyncio.sleep(1)
        assert secret.received == [b"from inside"]
        assert public.received == [b"from outside"]
        assert sorted(everywhere.received) == [b"from inside", b"from outside"]
        assert server.host.counters.no_port == 2
        inside.close()
        for stack in (server, client):
            await stack.close()

    run_virtual(main)


def test_a_datagram_to_a_name_is_refused_as_an_error_of_the_network() -> None:
    async def main(poller: VirtualPoller) -> None:
        (stack,) = stacks(poller, 1)
        port, _ = await stack.create_datagram_endpoint(Mailbox)
        with pytest.raises(OSError, match=r"'example\.com' is no address"):
            port.sendto(b"x", ("example.com", 53))
        await stack.close()

    run_virtual(main)


def test_an_address_that_is_not_ours_cannot_be_bound_to() -> None:
    async def main(poller: VirtualPoller) -> None:
        (stack,) = stacks(poller, 1)
        calls = stack.host.calls
        with pytest.raises(Unavailable, match="does not have the address"):
            await stack.create_datagram_endpoint(Mailbox, ("10.0.0.9", 53))
        with pytest.raises(OSError, match=r"10\.0\.0\.9") as refused:
            await calls.create_connection(asyncio.Protocol, stack.address, 80, local_addr=("10.0.0.9", 0))
        assert refused.value.errno == errno.EADDRNOTAVAIL
        await stack.close()

    run_virtual(main)


@pytest.mark.parametrize("size", [65_508, 70_000, 1 << 20])
def test_a_ping_that_no_packet_can_hold_is_refused(size: int) -> None:
    async def main(poller: VirtualPoller) -> None:
        one, other = stacks(poller, 2)
        assert await one.ping(other.address, size=65_507) >= 0
        with pytest.raises(OSError, match="Message too long"):
            await one.ping(other.address, size=size)
        for stack in (one, other):
            await stack.close()

    run_virtual(main)
