"""A peer made by hand: it says what a test wants, to one real host, and keeps what that host answers."""

from __future__ import annotations

from typing import Any

from fata.proto.tcp.connection import Connection
from fata.proto.tcp.host import TcpHost
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.time_wait import TimeWait
from fata.proto.tcp.transmission import Transmission
from fata.wire.tcp import ACK, NO_OPTIONS, SYN, Options, Segment
from tests.proto.tcp.link import CLIENT, EPOCH, HEADERS, SERVER, segments

PEER_PORT, PORT = 40000, 80
ISN = 0xFFFFFF00  # the peer's numbers wrap around soon


class Peer:
    """The peer is at CLIENT, the host under test at SERVER. `seq` and `ack` are what the peer would say next."""

    def __init__(self, settings: Settings | None = None, host: HostSettings | None = None, isn: int = ISN) -> None:
        self.host = TcpHost(bytes(range(32)), host)
        self.settings = settings or Settings()
        self.key = self.key_for(PEER_PORT)
        self.now = EPOCH
        self.isn = isn
        self.seq = isn
        self.ack = 0
        self.window = 65535
        self.timestamp: int | None = None
        self.events = 0
        self.user: Connection | None = None
        self.said: list[Segment] = []  # all that the host has sent

    @staticmethod
    def key_for(port: int, address: bytes = CLIENT) -> bytes:
        """The key of a connection from a port of the peer's."""
        return address + SERVER + port.to_bytes(2, "big") + PORT.to_bytes(2, "big")

    @property
    def connection(self) -> Connection:
        """The host's connection, also when it has left the table."""
        resident = self.host.connections.get(self.key)
        if isinstance(resident, Connection):
            self.user = resident
        assert self.user is not None
        return self.user

    @property
    def state(self) -> str:
        """The name of the host's state."""
        resident = self.host.connections.get(self.key) or self.user
        return resident.state.name if resident is not None else "CLOSED"

    @property
    def record(self) -> TimeWait:
        """What is left of a connection in TIME-WAIT."""
        resident = self.host.connections[self.key]
        assert isinstance(resident, TimeWait)
        return resident

    def segment(self, flags: int = ACK, payload: bytes = b"", **changes: Any) -> Segment:
        """A segment that fits, with changes to its fields."""
        frame = bytes(HEADERS) + payload
        plain = Segment(
            int.from_bytes(self.key[-4:-2], "big"),
            PORT,
            self.seq & 0xFFFFFFFF,
            self.ack & 0xFFFFFFFF,
            flags,
            self.window,
            frame,
            HEADERS,
            len(frame),
            self.timestamp,
            0,
            NO_OPTIONS,
        )
        return plain._replace(**changes)

    def tell(self, segment: Segment, *, flush: bool = True) -> list[Segment]:
        """Have the host receive a segment; return what it sends."""
        resident = self.host.connections.get(self.key)
        if resident is None:
            self.host.receive(self.key, segment, self.now)
        else:
            self.events |= resident.receive(segment, self.now)
            if isinstance(resident, Connection):
                self.user = resident
        return self.flush() if flush else []

    def say(self, flags: int = ACK, payload: bytes = b"", **changes: Any) -> list[Segment]:
        """As `tell`, with a segment made here; the peer's own numbers move on."""
        segment = self.segment(flags, payload, **changes)
        answers = self.tell(segment)
        if "seq" not in changes:
            self.seq += len(payload) + (flags & 1) + (flags >> 1 & 1)
        return answers

    def flush(self) -> list[Segment]:
        """What the host sends now; the peer acknowledges it the next time it says something."""
        out: list[tuple[bytes, Transmission]] = []
        resident = self.host.connections.get(self.key) or self.user
        if resident is not None:
            out += [(self.key, sent) for sent in resident.flush(self.now)]
        out += self.host.take_replies()
        answers = []
        for key, sent in out:
            answers += segments(key, sent)
        self.said += answers
        for answer in answers:
            end = answer.seq + answer.end - answer.start + (answer.flags & 1) + (answer.flags >> 1 & 1)
            if answer.flags & SYN or (end - self.ack) & 0xFFFFFFFF < 1 << 31:
                self.ack = end & 0xFFFFFFFF
        return answers

    def wait(self, seconds: float) -> list[Segment]:
        """Let time pass, and timers run off at their time; return what the host sends."""
        stop = self.now + seconds
        answers: list[Segment] = []
        for _ in range(100_000):
            if (at := self.host.next_deadline()) > stop:
                break
            self.now = max(self.now, at)
            for connection, events in self.host.tick(self.now):
                self.user = connection if connection.key == self.key else self.user
                self.events |= events
            answers += self.flush()
        else:
            raise AssertionError("a timer that runs off for ever")
        self.now = stop
        return answers

    def listen(self, backlog: int = 16) -> None:
        """Have the host listen."""
        self.host.listen(None, PORT, backlog, None, self.settings)

    def open(self, options: Options | None = None, timestamp: int | None = None) -> None:
        """Shake hands, the peer being the client; listens if nobody does."""
        if not self.host.listeners:
            self.listen()
        self.timestamp = timestamp
        offer = options if options is not None else Options(1460)
        self.say(SYN, ack=0, options=offer)
        self.say()
        assert self.connection is not None

    def write(self, data: bytes) -> list[Segment]:
        """Have the host's user write; return what the host sends."""
        self.connection.write(data)
        return self.flush()

    def take(self) -> bytes:
        """What the host's user has received."""
        return b"".join(data[start:end] for data, start, end in self.connection.take())


def payload(segment: Segment) -> bytes:
    """A segment's payload."""
    return segment.data[segment.start : segment.end]
