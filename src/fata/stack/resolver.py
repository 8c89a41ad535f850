"""Names from DNS servers: carries the resolver's queries over our UDP and TCP."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

from fata.errors import ConfigError
from fata.proto.dns.outcome import Answer, Failure, Reason
from fata.proto.dns.resolver import Resolver as Machine
from fata.stack.alarm import Alarm
from fata.stack.connecting import Connecting
from fata.wire import dns, dns_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.proto.dns.exchanges import Query
    from fata.stack.tcp import Tcp
    from fata.stack.udp import Udp

LENGTH = 2  # octets before a message over TCP, RFC 1035 4.2.2
CODES = {
    Reason.NO_SUCH_NAME: socket.EAI_NONAME,
    Reason.NO_DATA: socket.EAI_NODATA,
    Reason.SERVER_FAILURE: socket.EAI_FAIL,
}
"""What `getaddrinfo` says for a reason; EAI_AGAIN for any other."""


class Resolver:
    """Asks DNS servers; every query has a port of its own for as long as it waits."""

    def __init__(self, udp: Udp, tcp: Tcp, loop: asyncio.AbstractEventLoop, chance: Callable[[int], bytes]) -> None:
        self.machine: Machine[asyncio.Future[Answer | Failure]] = Machine((), chance, is_free=udp.is_free)
        self._udp = udp
        self._tcp = tcp
        self._loop = loop
        self._alarm = Alarm(loop, self._tick)
        self._ports: set[int] = set()
        self._streams: set[asyncio.Task[None]] = set()

    def set_servers(self, servers: Sequence[bytes]) -> None:
        """Ask these from now on."""
        self.machine.set_servers(servers)

    async def ask(self, name: str) -> list[bytes]:
        """Return a host's addresses. Raises `socket.gaierror` when there are none."""
        try:
            labels = dns_name.parse_text(name)
        except ConfigError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        waiting: asyncio.Future[Answer | Failure] = self._loop.create_future()
        outcome = self.machine.resolve(labels, dns.A, waiting, self._loop.time())
        if outcome is None:
            self._settle()
            outcome = await waiting
        if isinstance(outcome, Failure):
            code = CODES.get(outcome.reason, socket.EAI_AGAIN)
            raise socket.gaierror(code, f"{name}: {outcome.reason.value}")
        return [cast(bytes, record.data) for record in outcome.records]

    def receive(self, source: bytes, src_port: int, payload: bytes, port: int) -> None:
        """Take a datagram that came to one of our ports."""
        self.machine.receive(source, src_port, port, payload, self._loop.time())
        self._settle()

    def _settle(self) -> None:
        """Send what the machine has to say, tell who waited, keep ports for the queries that wait."""
        now = self._loop.time()
        for query in self.machine.take_queries():
            self._send(query, now)
        for owner, outcome in self.machine.take_results():
            if not owner.done():
                owner.set_result(outcome)
        waiting = set(self.machine.exchanges.by_port)
        for port in self._ports - waiting:
            self._udp.release(port)
        self._ports &= waiting
        self._alarm.set(self.machine.next_deadline())

    def _send(self, query: Query, now: float) -> None:
        if query.port is None:
            task = self._loop.create_task(self._ask_over_tcp(query))
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
            return
        try:
            if query.port not in self._ports:
                self._udp.bind(query.port, OnePort(self, query.port))
                self._ports.add(query.port)
            self._udp.send(query.port, query.server, dns.PORT, query.message, now)
        except OSError:
            pass  # without a way to this server its time runs out, and the next one is asked

    async def _ask_over_tcp(self, query: Query) -> None:
        """Carry one query over a connection of its own (RFC 7766)."""
        connecting = Connecting(self._tcp)
        stream = Stream(self._loop.create_future())
        answer: bytes | None = None
        try:
            async with asyncio.timeout(self.machine.settings.stream_timeout):
                await connecting.connect(query.server, dns.PORT, 0)
                connecting.start(stream).write(len(query.message).to_bytes(LENGTH, "big") + query.message)
                answer = await stream.answer
        except (OSError, TimeoutError):
            pass
        finally:
            connecting.abort()
        self.machine.receive_stream(query.number, answer, self._loop.time())
        self._settle()

    def _tick(self, now: float) -> None:
        self.machine.tick(now)
        self._settle()

    def close(self) -> None:
        """Ask nobody any more."""
        self._alarm.cancel()
        for task in self._streams:
            task.cancel()
        for port in self._ports:
            self._udp.release(port)
        self._ports.clear()


class OnePort:
    """The owner of one of the resolver's ports."""

    def __init__(self, resolver: Resolver, port: int) -> None:
        self._resolver = resolver
        self._port = port

    def receive(self, source: bytes, src_port: int, payload: bytes) -> None:
        """Take a datagram."""
        self._resolver.receive(source, src_port, payload, self._port)

    def fail(self, destination: bytes, dst_port: int, error: OSError) -> None:
        """Pass over an ICMP error: it may be forged, and the next server is asked soon in any case."""


class Stream(asyncio.Protocol):
    """Reads one message behind its length."""

    def __init__(self, answer: asyncio.Future[bytes | None]) -> None:
        self.answer = answer
        self._octets = bytearray()

    def data_received(self, data: bytes) -> None:
        """Collect octets until the message is whole."""
        self._octets += data
        end = LENGTH + int.from_bytes(self._octets[:LENGTH], "big")
        if len(self._octets) >= max(end, LENGTH) and not self.answer.done():
            self.answer.set_result(bytes(self._octets[LENGTH:end]))

    def connection_lost(self, exc: Exception | None) -> None:
        """End without a message."""
        if not self.answer.done():
            self.answer.set_result(None)

    def connection_made(self, transport: Any) -> None:
        """Wait for what comes."""
