"""Two TCP hosts on one link, in virtual time: loss, reordering, duplication, delay and rate, from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from fata.proto.tcp.connection import Connection
from fata.proto.tcp.host import TcpHost
from fata.proto.tcp.listener import Listener
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.transmission import CLOSED, CONNECTED, ENDED, RECEIVED, ROOM, Transmission
from fata.wire.tcp import ACK, FIN, NO_OPTIONS, PSH, Segment, parse_options

CLIENT, SERVER = b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"
PORT = 80
HEADERS = 54  # octets of Ethernet, IP and TCP before a segment's options
EPOCH = 1000.0  # monotonic seconds at the start


def swapped(key: bytes) -> bytes:
    """The key that the other side sees."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


def segments(key: bytes, sent: Transmission, *, cut: bool = True) -> list[Segment]:
    """Cut a transmission as a device would; `key` is the sender's. Each payload lies in a frame of its own."""
    payload = b"".join(sent.buffers)
    assert len(payload) == sent.length
    size = max(1, sent.segment_size) if cut else max(1, sent.length)
    timestamp, echo, options = parse_options(sent.options, 0, len(sent.options))
    src_port, dst_port = int.from_bytes(key[-2:], "big"), int.from_bytes(key[-4:-2], "big")
    out = []
    for start in range(0, max(1, sent.length), size):
        part = payload[start : start + size]
        last = start + size >= sent.length
        frame = bytes(HEADERS) + sent.options + part
        flags = sent.flags if last else sent.flags & ~(FIN | PSH)
        seq = (sent.seq + start) & 0xFFFFFFFF
        begin = len(frame) - len(part)
        rare = options if options != NO_OPTIONS else NO_OPTIONS
        fields = (src_port, dst_port, seq, sent.ack if flags & ACK else 0, flags, sent.window)
        out.append(Segment(*fields, frame, begin, len(frame), timestamp, echo, rare))
    return out


@dataclass
class User:
    """Whoever uses a connection: keeps what comes, tells what happened."""

    connection: Connection
    received: bytearray = field(default_factory=bytearray)
    events: int = 0
    reading: bool = True

    def tell(self, events: int) -> None:
        """Take note of Event bits."""
        self.events |= events
        if events & RECEIVED and self.reading:
            self.read()

    def read(self) -> int:
        """Take what there is; return how much."""
        before = len(self.received)
        for data, start, end in self.connection.take():
            self.received += data[start:end]
        return len(self.received) - before

    @property
    def connected(self) -> bool:
        return bool(self.events & CONNECTED)

    @property
    def ended(self) -> bool:
        return bool(self.events & ENDED)

    @property
    def closed(self) -> bool:
        return bool(self.events & CLOSED)

    @property
    def has_room(self) -> bool:
        return bool(self.events & ROOM)


@dataclass
class Faults:
    """What the link does to segments, each direction alike; chances are 0 to 1, times seconds."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0  # chance of being late
    late: float = 0.05
    delay: float = 0.01  # one way
    rate: float = 0.0  # octets a second, 0: unlimited
    cut: bool = True  # False: transmissions arrive whole, as with segmentation offload


class End:
    """A host on the link and the users of its connections."""

    def __init__(self, link: Link, address: bytes, settings: HostSettings) -> None:
        self.link = link
        self.address = address
        self.host = TcpHost(address * 8, settings)
        self.users: list[User] = []
        self.busy_until = 0.0

    def user(self, connection: Connection) -> User:
        """The user of a connection, made when it is asked for first."""
        if connection.owner is None:
            connection.owner = User(connection)
            self.users.append(connection.owner)
        found = connection.owner
        assert isinstance(found, User)
        return found

    def deliver(self, key: bytes, segment: Segment, now: float) -> None:
        """Take a segment and send what answers it."""
        resident = self.host.connections.get(key)
        if resident is None:
            self.host.receive(key, segment, now)
        else:
            events = resident.receive(segment, now)
            if isinstance(resident, Connection) and events:
                self.user(resident).tell(events)
            self.put(key, resident.flush(now))
        self.reply()

    def tick(self, now: float) -> None:
        """Let timers run off."""
        for connection, events in self.host.tick(now):
            if events:
                self.user(connection).tell(events)
            self.put(connection.key, connection.flush(now))
        self.reply()

    def reply(self) -> None:
        """Send what belongs to no connection."""
        for key, sent in self.host.take_replies():
            self.put(key, [sent])

    def flush(self, user: User) -> None:
        """Send what the user caused."""
        self.put(user.connection.key, user.connection.flush(self.link.now))

    def put(self, key: bytes, out: list[Transmission]) -> None:
        """Hand transmissions to the link."""
        for sent in out:
            for segment in segments(key, sent, cut=self.link.faults.cut):
                self.link.carry(self, key, segment)


class Link:
    """The client is `a`, the server `b`. `log` has (time, from, segment) of all that was sent."""

    def __init__(
        self,
        seed: int = 1,
        faults: Faults | None = None,
        a: Settings | None = None,
        b: Settings | None = None,
        host: HostSettings | None = None,
    ) -> None:
        self.now = EPOCH
        self.random = Random(seed)
        self.faults = faults or Faults()
        self.settings = a or Settings(), b or Settings()
        self.a = End(self, CLIENT, host or HostSettings())
        self.b = End(self, SERVER, host or HostSettings())
        self.log: list[tuple[float, str, Segment]] = []
        self.drop: Callable[[str, Segment], bool] = lambda _side, _segment: False
        self._flying: list[tuple[float, int, End, bytes, Segment]] = []
        self._serial = 0

    def listen(self, backlog: int = 16, settings: Settings | None = None) -> Listener:
        """Have the server listen."""
        return self.b.host.listen(None, PORT, backlog, None, settings or self.settings[1])

    def connect(self, local_port: int = 0) -> User:
        """Have the client connect; SYN is on its way."""
        connection = self.a.host.connect(CLIENT, SERVER, PORT, None, self.settings[0], self.now, local_port)
        user = self.a.user(connection)
        self.a.flush(user)
        return user

    def pair(self) -> tuple[User, User]:
        """Listen, connect, and return both users once the server's is established."""
        if (None, PORT) not in self.b.host.listeners:
            self.listen()
        known = len(self.b.users)
        client = self.connect()
        self.run_until(lambda: client.connected and len(self.b.users) > known and self.b.users[-1].connected)
        return client, self.b.users[-1]

    def side(self, user: User) -> End:
        """Where a user is."""
        return self.a if user in self.a.users else self.b

    def write(self, user: User, data: bytes) -> None:
        """Write and flush."""
        user.connection.write(data)
        self.side(user).flush(user)

    def shutdown(self, user: User) -> None:
        """Half-close and flush."""
        user.connection.shutdown()
        self.side(user).flush(user)

    def abort(self, user: User) -> None:
        """Abort and flush."""
        user.connection.abort()
        self.side(user).flush(user)

    def read(self, user: User) -> int:
        """Take what there is and flush, so that the window may re-open."""
        count = user.read()
        self.side(user).flush(user)
        return count

    def carry(self, end: End, key: bytes, segment: Segment) -> None:
        """Send a segment from `end` to the other side, or lose it."""
        side = "a" if end is self.a else "b"
        self.log.append((self.now, side, segment))
        faults, random = self.faults, self.random
        start = max(self.now, end.busy_until)
        if faults.rate:
            start += (len(segment.data) + 20) / faults.rate
            end.busy_until = start
        if self.drop(side, segment) or random.random() < faults.loss:
            return
        copies = 2 if random.random() < faults.duplicate else 1
        for _ in range(copies):
            late = faults.late * random.random() if random.random() < faults.reorder else 0.0
            self.inject(self.b if end is self.a else self.a, swapped(key), segment, start + faults.delay + late)

    def inject(self, end: End, key: bytes, segment: Segment, at: float) -> None:
        """Have a segment arrive at `end`, whoever sent it."""
        self._serial += 1
        heappush(self._flying, (at, self._serial, end, key, segment))

    def step(self) -> bool:
        """Go to the next thing that happens; False if nothing will."""
        arrival = self._flying[0][0] if self._flying else float("inf")
        timer = min(self.a.host.next_deadline(), self.b.host.next_deadline())
        at = min(arrival, timer)
        if at == float("inf"):
            return False
        self.now = max(self.now, at)
        if arrival <= timer:
            _, _, end, key, segment = heappop(self._flying)
            end.deliver(key, segment, self.now)
        else:
            self.a.tick(self.now)
            self.b.tick(self.now)
        return True

    def run_until(self, done: Callable[[], bool], limit: float = 3600.0, steps: int = 2_000_000) -> None:
        """Go on until `done`; `limit` seconds of virtual time are too many."""
        stop = self.now + limit
        for _ in range(steps):
            if done():
                return
            if not self.step():
                raise AssertionError("nothing happens any more")
            if self.now > stop:
                raise AssertionError(f"not done after {limit} s")
        raise AssertionError("too many steps")

    def run(self, seconds: float) -> None:
        """Go on for so long."""
        stop = self.now + seconds
        while True:
            arrival = self._flying[0][0] if self._flying else float("inf")
            if min(arrival, self.a.host.next_deadline(), self.b.host.next_deadline()) > stop:
                break
            self.step()
        self.now = stop

    def sent(self, side: str) -> list[Segment]:
        """What a side has sent so far."""
        return [segment for _, where, segment in self.log if where == side]


def payload_sizes(link: Link) -> list[tuple[float, str, int]]:
    """When, from where, and how much: what two equal runs have in common."""
    return [(at, side, segment.end - segment.start) for at, side, segment in link.log]
