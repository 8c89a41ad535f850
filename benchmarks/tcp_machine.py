"""What a TCP connection costs by itself: the machine of proto/tcp alone, without frames, checksums or devices.

A server's connection is fed segments that were made beforehand; only the named calls are timed. The limits
are what is left for the machine if a stack in Python is to reach its goals for one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

from benchmarks.table import Table
from fata.proto.tcp.connection import Connection
from fata.proto.tcp.host import TcpHost
from fata.proto.tcp.sequence import MASK
from fata.proto.tcp.settings import Settings
from fata.wire.tcp import ACK, NO_OPTIONS, PSH, SYN, Options, Segment

ROUNDS = 7
COUNT = 20_000  # operations a round
HEADERS = 66  # octets of Ethernet, IP and TCP with timestamps
MSS = 1448  # octets beside timestamps
LARGE = 45 * MSS  # octets of a segment with offload
CLIENT_ISN = 1000
LOCAL, REMOTE = b"\x0a\x00\x00\x02", b"\x0a\x00\x00\x01"
KEY = REMOTE + LOCAL + (40000).to_bytes(2, "big") + (80).to_bytes(2, "big")

Measure = Callable[[], tuple[float, int]]


def established() -> Connection:
    """A server's connection after its handshake, with timestamps, SACK and window scaling."""
    host = TcpHost(bytes(32))
    host.listen(None, 80, 16, None, Settings(nodelay=True))
    offer = Options(1460, 7, True)
    host.receive(KEY, Segment(40000, 80, CLIENT_ISN, 0, SYN, 65535, b"", 0, 0, 1, 0, offer), 1.0)
    connection = host.connections[KEY]
    assert isinstance(connection, Connection)
    connection.receive(segment(connection, 0, b""), 1.0)
    connection.flush(1.0)
    return connection


def segment(connection: Connection, offset: int, frame: bytes, acked: int | None = None) -> Segment:
    """The client's segment with payload at `offset`, acknowledging all that was sent or `acked`."""
    ack = connection.snd_nxt if acked is None else acked
    seq = (CLIENT_ISN + 1 + offset) & MASK
    flags = ACK | PSH if frame else ACK
    start = min(HEADERS, len(frame))
    return Segment(40000, 80, seq, ack & MASK, flags, 65000, frame, start, len(frame), 2, 1, NO_OPTIONS)


def receive(payload: int, burst: int) -> Measure:
    """`receive` of data in order, `take` and `flush` (untimed) after each burst."""

    def measure() -> tuple[float, int]:
        connection = established()
        frame = bytes(HEADERS + payload)
        connection.receive(segment(connection, 0, bytes(HEADERS + MSS)), 1.0)  # opens the window beyond 64 KiB
        connection.take()
        connection.flush(1.0)
        spent, offset = 0.0, MSS
        for _ in range(COUNT // burst):
            batch = [segment(connection, offset + at * payload, frame) for at in range(burst)]
            offset += burst * payload
            start = perf_counter()
            for one in batch:
                connection.receive(one, 1.0)
            spent += perf_counter() - start
            connection.take()
            connection.flush(1.0)
        assert connection.rcv_nxt == CLIENT_ISN + 1 + offset
        return spent, COUNT // burst * burst

    return measure


def flush_acknowledgment() -> tuple[float, int]:
    """`take` and a `flush` that sends nothing but an acknowledgment."""
    connection = established()
    frame = bytes(HEADERS + MSS)
    spent, sent = 0.0, 0
    for at in range(COUNT):
        connection.receive(segment(connection, 2 * at * MSS, frame), 1.0)
        connection.receive(segment(connection, (2 * at + 1) * MSS, frame), 1.0)
        start = perf_counter()
        connection.take()
        sent += len(connection.flush(1.0))
        spent += perf_counter() - start
    assert sent == COUNT
    return spent, COUNT


def send(payload: int, *, time_acknowledgment: bool) -> Measure:
    """`write` and `flush` of `payload` octets in one transmission, or the acknowledgment of them."""

    def measure() -> tuple[float, int]:
        connection = established()
        connection.congestion.window = 1 << 20
        data = bytes(payload)
        spent = 0.0
        for _ in range(COUNT):
            start = perf_counter()
            connection.write(data)
            out = connection.flush(1.0)
            middle = perf_counter()
            assert len(out) == 1
            answer = segment(connection, 0, b"")
            before = perf_counter()
            connection.receive(answer, 1.0)
            connection.flush(1.0)
            spent += perf_counter() - before if time_acknowledgment else middle - start
        return spent, COUNT

    return measure


def request_response() -> tuple[float, int]:
    """A request of 40 octets comes, is taken, and is answered with 120: one `receive`, `take`, `write`, `flush`."""
    connection = established()
    frame, answer = bytes(HEADERS + 40), bytes(120)
    spent = 0.0
    for at in range(COUNT):
        request = segment(connection, at * 40, frame)
        start = perf_counter()
        connection.receive(request, 1.0)
        connection.take()
        connection.write(answer)
        connection.flush(1.0)
        spent += perf_counter() - start
    return spent, COUNT


ROWS: list[tuple[str, Measure, float | None]] = [
    ("receive a segment of 1448 octets, in bursts of 16", receive(MSS, 16), 2.0),
    ("receive a segment of 64 KiB, in bursts of 4", receive(LARGE, 4), 2.0),
    ("take and flush an acknowledgment", flush_acknowledgment, 3.0),
    ("write and flush 64 KiB", send(LARGE, time_acknowledgment=False), 3.0),
    ("write and flush 120 octets", send(120, time_acknowledgment=False), None),
    ("receive and flush an acknowledgment of 64 KiB", send(LARGE, time_acknowledgment=True), None),
    ("request and response", request_response, 8.0),
]


def main() -> int:
    """Print the table; return 1 if a limit is missed."""
    missed = False
    with Table("tcp machine", "operation", "best µs", "worst µs", "limit µs") as table:
        for name, measure, limit in ROWS:
            rounds = []
            for _ in range(ROUNDS):
                spent, count = measure()
                rounds.append(spent / count * 1e6)
            table.row(name, min(rounds), max(rounds), "–" if limit is None else limit)
            missed = missed or (limit is not None and min(rounds) > limit)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
