"""TCP of one host: its connections and timers, and the transports and servers that stand for them."""

from __future__ import annotations

import errno
import os
from operator import length_hint
from typing import TYPE_CHECKING, Any

from fata.errors import Unavailable
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.host import TcpHost
from fata.proto.tcp.ports import BadAddress
from fata.proto.tcp.state import State
from fata.proto.tcp.transmission import CONNECTED
from fata.stack.alarm import Alarm
from fata.stack.ports import PortTaken, free_port
from fata.wire.ipv4 import format_address

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from fata.proto.tcp.listener import Listener
    from fata.proto.tcp.settings import HostSettings, Settings
    from fata.proto.tcp.time_wait import TimeWait
    from fata.stack.ipv4 import Ipv4
    from fata.stack.output import Output
    from fata.stack.server import StackServer

UNFINISHED = (State.SYN_SENT, State.SYN_RECEIVED, State.ESTABLISHED, State.CLOSE_WAIT)
"""Who is in one of these has a peer that waits for more. Whoever has said his last word just goes."""
PATIENCE = 0.05  # seconds until another attempt where memory was lacking
POLL_INTERVAL = 0.01  # seconds between two looks at what `close` waits for


class Tcp:
    """Joins the protocol machine to the loop.

    Frames come in lists. `settle` is called behind each: first every connection with news tells its protocol, then
    every connection that was touched says what it has to send. What protocols write meanwhile leaves with that; what
    they write at other times leaves before the loop waits again.
    """

    def __init__(
        self,
        chance: Callable[[int], bytes],
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        ip: Ipv4,
        output: Output,
        caps: HostSettings | None = None,
    ) -> None:
        self.host = TcpHost(chance, caps)
        self._chance = chance
        self.loop = loop
        self.settings = settings
        self.news: dict[Connection | TimeWait, int] = {}  # Event bits of this list of frames
        self._touched: dict[Connection | TimeWait, int] = {}  # as a set that keeps the order
        self._ip = ip
        self.host.path_mtu = ip.path_mtus.lookup
        self.loopback: list[tuple[bytes, bytes]] = []  # this host's connections with itself: the keys of both ends
        self.output = output
        self._emit = output.emit
        output.connections = self.host.connections
        self.told: Connection | TimeWait | None = None  # whose protocol is being told: it is flushed afterwards
        self._settling = False
        self._flush_is_due = False
        self._alarm = Alarm(loop, self._tick)
        self._before_wait: Callable[[Callable[[], None]], object] = getattr(loop, "call_before_wait", loop.call_soon)

    def settle(self, now: float) -> None:
        """Tell what `news` holds and send what is to be sent."""
        self._settling = True
        try:
            while self.news:
                news, self.news = self.news, {}
                self._touched.update(news)
                waiting = iter(news.items())
                try:
                    self._tell(waiting)
                except MemoryError:
                    self._tell_rest(waiting)
        finally:
            self._settling = False
            self.told = None
        self.flush(now)

    def _tell_rest(self, waiting: Iterator[tuple[Connection | TimeWait, int]]) -> None:
        """There was no memory to tell a protocol: end its connection, and tell all others."""
        for _ in range(length_hint(waiting) + 1):  # bounded, were there no memory for a call either
            self.host.counters.no_memory += 1
            if isinstance(self.told, Connection):
                self._give_up(self.told)
            try:
                self._tell(waiting)
                return
            except MemoryError:
                continue

    def _tell(self, news: Iterator[tuple[Connection | TimeWait, int]]) -> None:
        for connection, events in news:
            owner = connection.owner
            if not events:
                continue
            self.told = connection
            if owner is not None:
                owner.handle(events)
            elif events & CONNECTED and connection.listener is not None:
                connection.listener.owner.accept(connection, events)

    def _give_up(self, connection: Connection) -> None:
        if connection.owner is None:
            connection.abort()
        else:
            connection.owner.fail(OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS)))

    def touch(self, connection: Connection) -> None:
        """Have a connection flushed: at the end of the list of frames, or before the loop waits."""
        self._touched[connection] = 0
        if not (self._settling or self._flush_is_due):
            self._flush_is_due = True
            self._before_wait(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_is_due = False
        self.flush(self.loop.time())

    def flush(self, now: float) -> None:
        """Send what touched connections have to say, and replies to strangers; then look at the clock."""
        touched, self._touched = self._touched, {}
        try:
            self._flush(touched, now)
        except MemoryError:  # again, when others have given some back
            self.host.counters.no_memory += 1
            touched.update(self._touched)
            self._touched = touched
            self.loop.call_later(PATIENCE, self._flush_now)
            self._flush_is_due = True

    def _flush(self, touched: dict[Connection | TimeWait, int], now: float) -> None:
        host = self.host
        for connection in self.output.send_answers(touched, now):
            if sent := connection.flush(now):
                self._emit(connection.key, sent, now)
            if not isinstance(host.connections.get(connection.key), Connection):  # those were its last words
                self.output.forget(connection.key)
        for key, reply in host.take_replies():
            self._ip.interface.look_again = True  # the kernel behind a TAP answers a SYN's answer before that is sent
            self._emit(key, [reply], now)
            if not isinstance(host.connections.get(key), Connection):  # a stranger's path is of no more use
                self.output.forget(key)
        deadline = host.next_deadline()
        if deadline < self._alarm.at:
            self._alarm.set(deadline)

    def _tick(self, now: float) -> None:
        for connection, events in self.host.tick(now):
            self.news[connection] = self.news.get(connection, 0) | events
        self.settle(now)

    def call(self, transport: Any, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a protocol; report what it raises to the loop and end the connection, as asyncio's transports do."""
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001  # a protocol's bug ends its connection, not the stack
            self.report(transport, what, error)
            return None

    def report(self, transport: Any, what: str, error: Exception) -> None:
        """Report what a protocol has raised, and end its connection."""
        self.loop.call_exception_handler(
            {"message": f"Fatal error: protocol.{what}() call failed.", "exception": error, "transport": transport}
        )
        if transport is not None:
            transport.fail(error)

    def addresses(self, connection: Connection) -> tuple[tuple[str, int], tuple[str, int]]:
        """Return (address, port) of this side and of the other."""
        key = connection.key
        local = format_address(key[4:8]), int.from_bytes(key[10:12], "big")
        remote = format_address(key[0:4]), int.from_bytes(key[8:10], "big")
        return local, remote

    def listening_address(self, listener: Listener) -> tuple[str, int]:
        """Return (address, port) where a listener listens."""
        return format_address(listener.address or bytes(4)), listener.port

    def unreachable(self, key: bytes, soft: bool, seq: int, now: float) -> None:
        """Tell a connection, known by its key, of an ICMP error about its segment `seq`."""
        connection = self.host.connections.get(key)
        if isinstance(connection, Connection):
            self._note(connection, connection.unreachable(soft, seq, now))

    def is_under_way(self, key: bytes, seq: int) -> bool:
        """Say whether a connection has sent `seq` and waits for it to be acknowledged (RFC 5927 4)."""
        connection = self.host.connections.get(key)
        if not isinstance(connection, Connection):
            return False
        in_flight = connection.snd_nxt - connection.snd_una
        return (seq - connection.snd_una) & 0xFFFFFFFF < in_flight

    def set_path_mtu(self, key: bytes, mtu: int, seq: int, now: float) -> None:
        """Tell every connection with the same peer, idle ones too, how large its packets may be.

        That of `key` sends `seq` again, which was too large.
        """
        for other in list(self.host.connections.values()):
            if isinstance(other, Connection) and other.key[:4] == key[:4]:
                other.set_path_mtu(mtu, seq if other.key == key else None, now)
                self.touch(other)

    def _note(self, connection: Connection, events: int) -> None:
        """Have events told that did not come with a list of frames."""
        self.news[connection] = self.news.get(connection, 0) | events
        if not self._settling:
            self.loop.call_soon(self._settle_now)

    def _settle_now(self) -> None:
        self.settle(self.loop.time())

    def is_own(self, address: bytes) -> bool:
        """Say whether this host has an address."""
        return self._ip.is_own(address)

    def check_way(self, remote: bytes) -> None:
        """Raise `OSError` if packets to `remote` have no way."""
        if not self._ip.is_own(remote):
            self._ip.next_hop(remote)

    def listen(self, address: bytes | None, port: int, backlog: int, server: StackServer) -> Listener:
        """Begin to listen at a port, 0 for any free one. Raises `PortTaken`."""
        places = self.host.listeners
        if port == 0:
            port = free_port({number for _, number in places}, self._chance, "TCP")
        taken = {where for where, number in places if number == port}
        if taken and (address is None or None in taken or address in taken):
            raise PortTaken("TCP", port)
        return self.host.listen(address, port, backlog, server, self.settings)

    def connect(self, remote: bytes, port: int, owner: Any, local_port: int) -> Connection:
        """Begin to connect; `owner` is told how it goes. Raises `OSError` when no port is free."""
        now = self.loop.time()
        local = self._ip.source_for(remote)
        try:
            connection = self.host.connect(local, remote, port, owner, self.settings, now, local_port)
        except BadAddress as error:
            raise OSError(errno.ENETUNREACH, str(error)) from error
        except Unavailable as error:
            raise OSError(errno.EADDRNOTAVAIL, str(error)) from error
        if self._ip.is_own(remote):
            key = connection.key
            self.loopback.append((key, key[4:8] + key[:4] + key[10:12] + key[8:10]))
        self.touch(connection)
        return connection

    def talks_to_itself(self) -> bool:
        """Say whether this host has connections with itself; forget those that have ended, or wait in TIME-WAIT."""
        there = self.host.connections
        self.loopback = [ends for ends in self.loopback if any(isinstance(there.get(key), Connection) for key in ends)]
        return bool(self.loopback)

    def stop_listening(self, listener: Listener) -> None:
        """Accept nothing more."""
        listener.close()
        self.flush(self.loop.time())

    async def close(self, linger: float) -> None:
        """Wait at most `linger` seconds for what was written to be acknowledged; reset what is left, stop the clock."""
        import asyncio

        deadline = self.loop.time() + linger
        while self.loop.time() < deadline and any(connection.queued for connection in self._live()):
            await asyncio.sleep(POLL_INTERVAL)
        for connection in self._live():
            if connection.queued or connection.state in UNFINISHED:
                connection.abort()
            self._touched[connection] = 0
        self.flush(self.loop.time())
        self._alarm.cancel()

    def lose(self, error: Exception) -> None:
        """End every connection to others with `error`: the network has gone."""
        for connection in self._live():
            if self._ip.is_own(connection.key[:4]):
                continue
            if connection.owner is None:
                connection.abort()
                self.touch(connection)
            else:
                connection.owner.fail(error)

    def _live(self) -> list[Connection]:
        return [connection for connection in self.host.connections.values() if isinstance(connection, Connection)]
