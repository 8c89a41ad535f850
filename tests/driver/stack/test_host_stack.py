"""The host's sockets as a Stack."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

import pytest

from fata.device.stack import Stack
from fata.driver.stack import host
from fata.driver.stack.host import HostStack, bind
from fata.errors import StateError, Unavailable
from tests.conformance.stack import PATIENCE, Network, StackContract, Test
from tests.conformance.stack_peers import Echo, Peer


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def run(test: Test) -> None:
    """Run a test, and see that the descriptors go back to what they were."""

    async def main() -> None:
        before = descriptors()
        stack: Stack = HostStack()
        async with asyncio.timeout(PATIENCE):
            try:
                await test(Network(stack, stack, "127.0.0.1"))
            finally:
                await stack.close()
            while descriptors() > before:  # transports tell their protocols before they close
                await asyncio.sleep(0)

    asyncio.run(main())


class TestHostStack(StackContract):
    def run(self, test: Test) -> None:
        run(test)


def test_a_port_in_use_tells_what_to_do() -> None:
    async def test(network: Network) -> None:
        server = await network.server.create_server(Peer, "127.0.0.1")
        port = server.addresses[0][1]
        with pytest.raises(Unavailable) as caught:
            await network.server.create_server(Peer, "127.0.0.1", port)
        assert str(caught.value) == (
            f"TCP port {port} on 127.0.0.1 is in use\n  Stop the program that has it, or choose another port."
        )
        assert isinstance(caught.value.__cause__, OSError)

    run(test)


def test_a_port_for_root_only_tells_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may have every port, so the refusal is made here."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(host, "_bind_one", refuse)

    async def test(network: Network) -> None:
        with pytest.raises(Unavailable, match="TCP port 80 on every address is not allowed"):
            await network.server.create_server(Peer, None, 80)

    run(test)


def test_an_address_of_another_machine_tells_what_to_do() -> None:
    async def test(network: Network) -> None:
        with pytest.raises(Unavailable, match="this machine does not have the address"):
            await network.server.create_server(Peer, "192.0.2.1", 8080)
        with pytest.raises(Unavailable, match="UDP port 8080 on 192"):
            await network.server.create_datagram_endpoint(asyncio.DatagramProtocol, ("192.0.2.1", 8080))

    run(test)


def test_every_address_means_both_families() -> None:
    async def test(network: Network) -> None:
        server = await network.server.create_server(Echo)
        port = server.addresses[0][1]
        for address in [address for address, _ in server.addresses]:
            near = "::1" if address == "::" else "127.0.0.1"
            transport, peer = await network.client.create_connection(Peer, near, port)
            transport.close()
            await peer.lost.wait()

    run(test)


def both_loopbacks() -> list[tuple[int, str]]:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


def test_port_0_tries_again_when_the_other_family_has_taken_it(monkeypatch: pytest.MonkeyPatch) -> None:
    places = both_loopbacks()
    bind_one: Callable[[int, str, int], socket.socket] = host._bind_one
    refused: list[int] = []

    def contended(family: int, address: str, port: int) -> socket.socket:
        if family == socket.AF_INET6 and len(refused) < 3:
            refused.append(port)
            raise OSError(errno.EADDRINUSE, "taken meanwhile")
        return bind_one(family, address, port)

    monkeypatch.setattr(host, "_bind_one", contended)
    sockets = bind(places, 0, every=True)
    assert len(refused) == 3
    assert len({sock.getsockname()[1] for sock in sockets}) == 1
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_family_that_the_machine_lacks_is_left_out_only_of_every_address(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    bind_one: Callable[[int, str, int], socket.socket] = host._bind_one

    def without_ipv6(family: int, address: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(number, "no IPv6")
        return bind_one(family, address, port)

    monkeypatch.setattr(host, "_bind_one", without_ipv6)
    places = [(int(socket.AF_INET), "127.0.0.1"), (int(socket.AF_INET6), "::1")]
    (only,) = bind(places, 0, every=True)
    only.close()
    with pytest.raises(OSError, match="no IPv6"):
        bind(places, 0, every=False)


def test_a_closed_stack_is_of_no_use() -> None:
    async def test(network: Network) -> None:
        await network.server.close()
        for refused in (
            network.server.create_server(Peer),
            network.server.create_connection(Peer, "127.0.0.1", 1),
            network.server.create_datagram_endpoint(asyncio.DatagramProtocol),
            network.server.resolve("127.0.0.1"),
        ):
            with pytest.raises(StateError, match="closed"):
                await refused

    run(test)


def test_closing_the_stack_closes_udp_ports_too() -> None:
    async def test(network: Network) -> None:
        transport, _ = await network.server.create_datagram_endpoint(asyncio.DatagramProtocol)
        await network.server.close()
        assert transport.is_closing()

    run(test)


def test_names_come_from_the_hosts_own_table() -> None:
    async def test(network: Network) -> None:
        addresses = await network.client.resolve("localhost")
        assert "127.0.0.1" in addresses or "::1" in addresses
        assert len(set(addresses)) == len(addresses)

    run(test)
