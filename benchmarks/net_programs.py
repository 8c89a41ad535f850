"""What `benchmarks.net` loads: one program with a service a port, on our stack or on the kernel's sockets.

The protocol classes are the same objects on both: what differs is the loop under them.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from fata.driver.entropy.os import OsEntropy
from fata.driver.net.tap import Tap
from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from fata.wire.ipv4 import parse_cidr

SINK, SOURCE, HTTP, ECHO, ONCE = 5001, 5002, 8080, 7, 5003  # TCP ports
DATAGRAMS = 7  # UDP port
CHUNK = bytes(1 << 18)  # octets a write of the source
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, world!"


class Sink(asyncio.Protocol):
    """Throws away what comes; says how much when it ends."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.octets = 0

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)

    def eof_received(self) -> None:
        self.transport.write(b"%d" % self.octets)


class Source(asyncio.Protocol):
    """Sends until the other side has enough."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.paused = False
        asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        while not self.paused and not self.transport.is_closing():
            self.transport.write(CHUNK)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.pump()


class Http(asyncio.Protocol):
    """Answers each request with the same octets, whatever it asks for."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        requests = data.count(b"\r\n\r\n")
        self.rest = b"" if data.endswith(b"\r\n\r\n") else data[data.rfind(b"\r\n\r\n") + 4 :]
        if requests:
            self.transport.write(REPLY * requests)


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Once(asyncio.Protocol):
    """Says one thing and closes."""

    def connection_made(self, transport: Any) -> None:
        transport.write(b"hello\n")
        transport.close()


class Datagrams(asyncio.DatagramProtocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


async def serve(address: str) -> None:
    """Offer every service on the running loop's network, and say so."""
    loop = asyncio.get_running_loop()
    services: dict[int, Any] = {SINK: Sink, SOURCE: Source, HTTP: Http, ECHO: Echo, ONCE: Once}
    for port, protocol in services.items():
        await loop.create_server(protocol, address, port, backlog=1024)
    await loop.create_datagram_endpoint(Datagrams, (address, DATAGRAMS))
    print("ready", flush=True)
    await loop.create_future()


async def on_our_stack(interface: str, cidr: str, offload: bool) -> None:
    """Serve through a TAP interface."""
    loop: Any = asyncio.get_running_loop()
    address, prefix = parse_cidr(cidr)
    net = Tap(loop.poller, interface, offload=offload)
    stack = DirectStack(net, Addressing(address, prefix), OsEntropy().octets, lend=True)
    await serve(stack.address)


def main() -> None:
    """Run one program until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=("offload", "mtu", "kernel"))
    parser.add_argument("--interface", default="")
    parser.add_argument("--cidr", required=True)
    given = parser.parse_args()
    if given.how == "kernel":
        asyncio.run(serve(given.cidr.partition("/")[0]))
        return
    with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
        runner.run(on_our_stack(given.interface, given.cidr, given.how == "offload"))


if __name__ == "__main__":
    main()
