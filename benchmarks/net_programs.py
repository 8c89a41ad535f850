"""What `benchmarks.net` loads: one program with a service a port, on our stack or on the kernel's sockets.

The protocol classes are the same objects on both: what differs is the loop under them. `linux` is neither: blocking
sockets in threads, so that a bulk transfer costs what the kernel costs.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
from typing import Any

from benchmarks.http import BODY, application
from fata.device.net import Net
from fata.driver.entropy.os import OsEntropy
from fata.driver.kv.memory import MemoryKv
from fata.driver.net.packet import Packet
from fata.driver.net.ring_packet import RingPacket
from fata.driver.net.tap import Tap
from fata.driver.poller.epoll import EpollPoller
from fata.driver.stack.host import HostStack
from fata.http import serve_asgi, serve_files
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from fata.wire.ipv4 import parse_cidr

SINK, SOURCE, ONCE, HTTP, ECHO = 5001, 5002, 5003, 8080, 7  # TCP ports
WWW, ASGI, UVICORN = 8081, 8082, 8083
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
        asyncio.get_running_loop().call_soon(self.pump)  # asyncio's transport tells of a lost connection twice else


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


async def serve(address: str, stack: Any) -> None:
    """Offer every service on the running loop's network, and say so."""
    loop = asyncio.get_running_loop()
    services: dict[int, Any] = {SINK: Sink, SOURCE: Source, ONCE: Once, HTTP: Http, ECHO: Echo}
    for port, protocol in services.items():
        await loop.create_server(protocol, address, port, backlog=1024)
    await loop.create_datagram_endpoint(Datagrams, (address, DATAGRAMS))
    async with asyncio.TaskGroup() as servers:
        await start_web(servers, address, stack)
        while not await answers(address, UVICORN):
            await asyncio.sleep(0.05)
        print("ready", flush=True)


async def start_web(servers: asyncio.TaskGroup, address: str, stack: Any) -> None:
    """Start the servers that parse what they are asked."""
    from uvicorn import Config, Server

    site = MemoryKv()
    await site.set("index.html", BODY)
    servers.create_task(serve_files(site, stack, host=address, port=WWW))
    servers.create_task(serve_asgi(application, stack, host=address, port=ASGI))
    config = Config(application, address, UVICORN, http="h11", loop="none", access_log=False, log_level="warning")
    servers.create_task(Server(config).serve())


async def answers(address: str, port: int) -> bool:
    """Say whether somebody listens by now."""
    try:
        _reader, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


async def on_our_stack(interface: str, cidr: str, how: str) -> None:
    """Serve through a TAP interface, or any Ethernet interface."""
    loop: Any = asyncio.get_running_loop()
    address, prefix = parse_cidr(cidr)
    if how in ("packet", "ring"):
        net: Net = (Packet if how == "packet" else RingPacket)(loop.poller, interface)
    else:
        net = Tap(loop.poller, interface, offload=how == "offload")
    stack = DirectStack(net, Addressing(address, prefix), OsEntropy().octets, lend=True)
    await serve(stack.address, stack)


def on_blocking_sockets(address: str) -> None:
    """Offer the bulk services, a thread each."""
    for port, service in ((SINK, sink), (SOURCE, source)):
        listener = socket.create_server((address, port))
        threading.Thread(target=accept, args=(listener, service), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def accept(listener: socket.socket, service: Any) -> None:
    """Serve one connection after the other."""
    while True:
        connection, _peer = listener.accept()
        with connection:
            service(connection)


def sink(connection: socket.socket) -> None:
    """As `Sink`."""
    octets, buffer = 0, bytearray(1 << 20)
    while count := connection.recv_into(buffer):
        octets += count
    connection.sendall(b"%d" % octets)


def source(connection: socket.socket) -> None:
    """As `Source`."""
    try:
        while True:
            connection.sendall(CHUNK)
    except ConnectionError:
        return  # enough


def main() -> None:
    """Run one program until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=("offload", "mtu", "packet", "ring", "asyncio", "linux"))
    parser.add_argument("--interface", default="")
    parser.add_argument("--cidr", required=True)
    given = parser.parse_args()
    address = given.cidr.partition("/")[0]
    if given.how == "linux":
        on_blocking_sockets(address)
    elif given.how == "asyncio":
        asyncio.run(serve(address, HostStack()))
    else:
        with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
            runner.run(on_our_stack(given.interface, given.cidr, given.how))
