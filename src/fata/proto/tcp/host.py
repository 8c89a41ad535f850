"""A host's TCP: its connections and listeners, what belongs to neither, and the caps on all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from fata.proto.tcp import handshake
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.cookies import Cookies
from fata.proto.tcp.counters import Counters, Pool, Written
from fata.proto.tcp.deadlines import Deadlines
from fata.proto.tcp.incoming import accept_cookie, answer_with_cookie, reset_for
from fata.proto.tcp.isn import SECRET_LENGTH, initial_numbers, stamp_offset
from fata.proto.tcp.listener import Listener
from fata.proto.tcp.path import headers
from fata.proto.tcp.ports import BadAddress, PortInUse, Ports, TooManyConnections, is_unicast
from fata.proto.tcp.sequence import HALF, MASK
from fata.proto.tcp.settings import LARGEST_PACKET, HostSettings, Settings
from fata.proto.tcp.time_wait import TimeWait
from fata.proto.tcp.transmission import Transmission
from fata.wire.tcp import ACK, RST, SYN, Segment


class TcpHost:
    """`entropy` gives the secret behind sequence numbers, cookies and ports: 32 octets, or a source of octets."""

    def __init__(self, entropy: bytes | Callable[[int], bytes], settings: HostSettings | None = None) -> None:
        secret = entropy if isinstance(entropy, bytes) else entropy(SECRET_LENGTH)
        self.settings = settings or HostSettings()
        self.connections: dict[bytes, Connection | TimeWait] = {}
        self.listeners: dict[tuple[bytes | None, int], Listener] = {}
        self.counters = Counters()
        self.pool = Pool(self.settings.max_buffered)
        self.written = Written(self.settings.max_written)
        self.half_open = 0
        self.cookies = Cookies(secret, self.settings.cookie_life)
        self.path_mtu: Callable[[bytes], int] = lambda _remote: LARGEST_PACKET  # what is known of the way to an address
        self._secret = secret
        self._ports = Ports(secret, self.settings.first_port, self.settings.last_port)
        self._deadlines = Deadlines()
        self._time_waits: deque[TimeWait] = deque()  # by the time they were made
        self._waiting = 0  # of them, those in the table
        self._replies: list[tuple[bytes, Transmission]] = []
        self._announced: list[Connection] = []  # made of cookies: their first events are not told yet
        self._resets = (0, 0)  # (second, how many in it)
        self._abandoned: dict[Connection, None] = {}  # that nobody uses any more, the longest first

    # What the interface calls.

    def receive(self, key: bytes, segment: Segment, now: float) -> None:
        """Take a segment whose key is not in `connections`. Answers are in `take_replies`.

        A new connection is in the table afterwards; once it is established, its `receive` or this host's `tick`
        returns CONNECTED.
        """
        self._receive(key, segment, now, None)

    def tick(self, now: float) -> list[tuple[Connection, int]]:
        """Do what is due; return connections, each with its Event bits and to be flushed."""
        self._end_time_waits(now)
        announced, self._announced = self._announced, []
        return [(connection, connection.tick(now)) for connection in (*announced, *self._deadlines.due(now))]

    def next_deadline(self) -> float:
        """Monotonic seconds when `tick` is due; inf if nothing is."""
        if self._announced:
            return 0.0
        deadline = self._deadlines.next()
        if self._time_waits and self._time_waits[0].expires < deadline:
            return self._time_waits[0].expires
        return deadline

    def schedule(self, connection: Connection) -> None:
        """Note a connection's deadline, if it came nearer. `flush` does this itself."""
        self._deadlines.add(connection)

    def take_replies(self) -> list[tuple[bytes, Transmission]]:
        """Transmissions of no established connection, with keys as received: RST, SYN and ACK."""
        replies = self._replies
        self._replies = []
        return replies

    def listen(
        self, address: bytes | None, port: int, backlog: int, owner: Any, settings: Settings | None = None
    ) -> Listener:
        """Wait for connections to a port; `address` None takes every one. Raises `PortInUse`."""
        if (address, port) in self.listeners:
            raise PortInUse(f"port {port} is in use", "choose another port, or close the listener that has it")
        listener = Listener(self, address, port, max(1, backlog), owner, settings or Settings())
        self.listeners[address, port] = listener
        return listener

    def connect(
        self,
        local: bytes,
        remote: bytes,
        remote_port: int,
        owner: Any,
        settings: Settings | None,
        now: float,
        local_port: int = 0,
    ) -> Connection:
        """Begin a connection; its `flush` sends SYN. Port 0 is chosen (RFC 6056).

        Raises `PortInUse`, `NoPortFree`, `TooManyConnections`, and `BadAddress` for a peer that is no single host.
        """
        if not is_unicast(remote):
            raise BadAddress(f"no single host has the address {remote.hex('.', 1)}")
        if not self.has_room(now):
            raise TooManyConnections(f"{self.live} connections are open", "raise max_connections")
        if not local_port:
            local_port = self._ports.choose(remote, local, remote_port, self.connections)
        key = remote + local + remote_port.to_bytes(2, "big") + local_port.to_bytes(2, "big")
        above = self._make_room(key, local_port)
        connection = self._make(key, settings or Settings(), owner, now, above)
        handshake.connect(connection, now)
        self.counters.opened += 1
        return connection

    # What listeners, connections and records of this host call.

    @property
    def live(self) -> int:
        """Connections in the table, records of TIME-WAIT not counted."""
        return len(self.connections) - self._waiting

    def has_room(self, now: float) -> bool:
        """Say whether there may be one more connection. At the cap the one gives way that was abandoned first.

        Else whoever acknowledges nothing could keep all places for as long as the user timeout lasts.
        """
        if self.live < self.settings.max_connections:
            return True
        for connection in self._abandoned:
            connection.abort()
            self._replies += [(connection.key, reply) for reply in connection.flush(now)]
            self.counters.evicted_abandoned += 1
            return True
        self.counters.refused_connections += 1
        return False

    def abandon(self, connection: Connection) -> None:
        """Nobody uses a connection any more; what it still has to say gets its time, unless others need the place.

        Its time is the user timeout, also if the peer's window is closed.
        """
        connection.abandoned = True
        if self.connections.get(connection.key) is connection:
            self._abandoned[connection] = None

    def unlisten(self, listener: Listener) -> None:
        """Close a listener."""
        listener.closed = True
        if self.listeners.get((listener.address, listener.port)) is listener:
            del self.listeners[listener.address, listener.port]
        for connection in list(self.connections.values()):
            if isinstance(connection, Connection) and connection.listener is listener and connection.backlogged:
                connection.abort()
                self._replies += [(connection.key, reply) for reply in connection.flush(0.0)]

    def established(self, connection: Connection) -> None:
        """A handshake is over."""
        if connection.backlogged:
            self._leave_backlog(connection)
            self.counters.accepted += 1

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        if connection.backlogged:
            self._leave_backlog(connection)
        if self.connections.get(connection.key) is connection:
            del self.connections[connection.key]
        self._release(connection)
        if connection.failure is None:
            self.counters.closed += 1
        else:
            self.counters.failed += 1

    def rest(self, connection: Connection, now: float) -> None:
        """A connection is in TIME-WAIT: keep a record in its place."""
        if self.connections.get(connection.key) is not connection:
            return
        self._release(connection)
        self.counters.closed += 1
        if self.settings.time_wait <= 0:
            del self.connections[connection.key]
            return
        if self._waiting >= self.settings.max_time_wait:
            self._evict_time_wait()
        record = TimeWait(self, connection, now + self.settings.time_wait)
        self.connections[connection.key] = record
        self._time_waits.append(record)
        self._waiting += 1

    def reopen(self, record: TimeWait, segment: Segment, now: float) -> None:
        """A SYN asks for the place of a record (RFC 6191)."""
        if self._listener(record.key) is None:
            return
        self._drop_record(record)
        self.counters.time_wait_reused += 1
        self._receive(record.key, segment, now, record.snd_nxt)

    def refuse(self, key: bytes, segment: Segment, now: float) -> None:
        """Answer a segment that belongs to nothing with RST, so many a second (RFC 9293 3.5.2, group 1)."""
        if segment.flags & RST:
            return
        second, count = self._resets
        count = count + 1 if second == int(now) else 1
        if count > self.settings.resets_per_second:
            self.counters.resets_throttled += 1
            return
        self._resets = (int(now), count)
        self.counters.resets_sent += 1
        self._replies.append((key, reset_for(segment)))

    # Inside.

    def _receive(self, key: bytes, segment: Segment, now: float, above: int | None) -> None:
        listener = self._listener(key)
        length = (len(key) - 4) // 2
        remote, local = key[:length], key[length:-4]
        if not is_unicast(remote) or not is_unicast(local):
            self.counters.dropped_bad_address += 1
            return
        kind = segment.flags & (SYN | ACK | RST)
        if listener is None or kind not in (SYN, ACK):
            self.refuse(key, segment, now)
        elif kind == SYN:
            self._open(listener, key, segment, now, above)
        elif not accept_cookie(self, listener, key, segment, now):
            self.refuse(key, segment, now)

    def _listener(self, key: bytes) -> Listener | None:
        length = (len(key) - 4) // 2
        port = int.from_bytes(key[-2:], "big")
        return self.listeners.get((key[length : 2 * length], port)) or self.listeners.get((None, port))

    def _open(self, listener: Listener, key: bytes, segment: Segment, now: float, above: int | None) -> None:
        if not self.has_room(now):
            return
        if listener.half_open >= listener.backlog or self.half_open >= self.settings.max_half_open:
            if not self.settings.cookies:
                self.counters.refused_half_open += 1
                return
            self._replies.append((key, answer_with_cookie(self, listener, key, segment, now)))
            return
        connection = self._make(key, listener.settings, None, now, above)
        connection.listener = listener
        connection.backlogged = True
        listener.half_open += 1
        self.half_open += 1
        handshake.listened(connection, segment, now)
        self._replies += [(key, reply) for reply in connection.flush(now)]

    def _make(self, key: bytes, settings: Settings, owner: Any, now: float, above: int | None) -> Connection:
        iss, offset = initial_numbers(self._secret, key, now)
        if above is not None and (iss - above) & MASK >= HALF:
            iss = (above + 1) & MASK  # RFC 1122 4.2.2.13: larger than what the last incarnation used
        return self._enter(Connection(key, settings, self, owner, iss, offset, now), now)

    def make_from_cookie(self, listener: Listener, key: bytes, iss: int, now: float) -> Connection:
        """A connection whose SYN and ACK had been a cookie. `tick` is due at once and returns its first events."""
        offset = stamp_offset(self._secret, key)
        connection = self._enter(Connection(key, listener.settings, self, None, iss, offset, now), now)
        connection.listener = listener
        self._announced.append(connection)
        return connection

    def _enter(self, connection: Connection, now: float) -> Connection:
        """Put a new connection into the table; it knows its path from the start (RFC 1191 6.2)."""
        key = connection.key
        mtu = self.path_mtu(key[: (len(key) - 4) // 2])
        if mtu < connection.settings.mss + headers(key):
            connection.set_path_mtu(mtu, None, now)
        self.connections[key] = connection
        return connection

    def stamp_offset(self, key: bytes) -> int:
        """Where a connection's timestamps begin."""
        return stamp_offset(self._secret, key)

    def _leave_backlog(self, connection: Connection) -> None:
        connection.backlogged = False
        self.half_open -= 1
        assert connection.listener is not None
        connection.listener.half_open -= 1

    def _release(self, connection: Connection) -> None:
        self._deadlines.remove(connection)
        self._abandoned.pop(connection, None)
        self.pool.change(-connection.accounted, -connection.kept)
        connection.accounted = connection.kept = 0
        self.written.held -= connection.weighed
        connection.weighed = 0

    def _make_room(self, key: bytes, local_port: int) -> int | None:
        """See that a key is free; a record of TIME-WAIT gives way and returns its last sequence number."""
        resident = self.connections.get(key)
        if resident is None:
            return None
        if not isinstance(resident, TimeWait):
            raise PortInUse(f"port {local_port} is in use towards this peer", "let a port be chosen")
        self._drop_record(resident)
        self.counters.time_wait_reused += 1
        return resident.snd_nxt

    def _drop_record(self, record: TimeWait) -> None:
        if self.connections.get(record.key) is record:
            del self.connections[record.key]
            self._waiting -= 1

    def _evict_time_wait(self) -> None:
        while self._time_waits:
            record = self._time_waits.popleft()
            if self.connections.get(record.key) is record:
                self._drop_record(record)
                self.counters.evicted_time_wait += 1
                return

    def _end_time_waits(self, now: float) -> None:
        """Records stand in the order they were made; one whose wait began anew goes to the end."""
        waits = self._time_waits
        while waits:
            record = waits[0]
            if self.connections.get(record.key) is record:
                if record.expires > now and not record.restarted:
                    return
                if record.expires > now:
                    record.restarted = False
                    waits.rotate(-1)
                    continue
            self._drop_record(waits.popleft())
