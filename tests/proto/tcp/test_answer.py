"""`answer` says what `flush` would have said, and leaves the connection as `flush` would have left it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from fata.proto.tcp.settings import Settings
from fata.proto.tcp.transmission import Transmission, transmission_of
from fata.wire.tcp import Options
from tests.proto.tcp.peer import Peer

SAME = (
    *("acked", "ack_at", "ack_now", "accounted", "charge", "limited", "predicted", "progress", "queued", "rcv_edge"),
    *("rcv_nxt", "retransmit_at", "rack_at", "persist_at", "sent_at", "snd_edge", "snd_end", "snd_nxt", "snd_una"),
    *("timed_at", "timed_seq", "state"),
)
"""What is to be equal. `deadline` is not: `answer` leaves an earlier one as it is."""


def opened(settings: Settings) -> Peer:
    peer = Peer(settings)
    peer.open(Options(1460, 0, True), timestamp=1)
    return peer


def flushed(peer: Peer, short: bool) -> tuple[list[tuple[Any, ...]], bool]:
    """Flush; return what leaves, with whole payloads, and whether it took the short way."""
    answer = peer.connection.answer(peer.now, int(peer.now * 1000)) if short else None
    sent: list[Transmission] = peer.connection.flush(peer.now) if answer is None else [transmission_of(answer)]
    for each in sent:
        peer.ack = (each.seq + each.length) & 0xFFFFFFFF
    return [(*each[:5], b"".join(each.buffers), *each[6:]) for each in sent], answer is not None


def play(random: Random, peers: tuple[Peer, Peer]) -> None:
    """Let one thing happen to both."""
    peer = peers[0]
    kind = random.randrange(6)
    said = random.randbytes(random.choice((0, 1, 40, 1448)))
    pieces = [random.randbytes(random.choice((1, 60, 700, 3000))) for _ in range(random.randint(1, 3))]
    window = random.choice((65535, 65535, 4000, 0))
    late = random.choice((0.0, 0.001, 0.05, 1.5))
    for peer in peers:
        connection = peer.connection
        if kind <= 1:  # a request, which acknowledges all or something of what was said before
            peer.window = window
            peer.timestamp = (peer.timestamp or 0) + 1
            segment = peer.segment(payload=said)
            connection.receive(segment, peer.now)
            peer.seq += len(said)
        elif kind == 2:
            connection.take()
        elif kind == 3:
            connection.nodelay = not connection.nodelay
        elif kind == 4:
            peer.now += late
            if connection.deadline <= peer.now:
                connection.tick(peer.now)
        for data in pieces if kind in (0, 5) else ():
            connection.write(data)


@pytest.mark.parametrize("seed", range(40))
def test_both_ways_say_the_same(seed: int) -> None:
    random = Random(seed)
    settings = Settings(receive_buffer=20_000, delayed_ack=0.04)
    peers = long, short = opened(settings), opened(settings)
    for _ in range(120):
        play(random, peers)
        expected, _ = flushed(long, short=False)
        given, was_short = flushed(short, short=True)
        assert given == expected
        found = [{name: getattr(peer.connection, name) for name in SAME} for peer in peers]
        assert found[0] == found[1], was_short
        for peer in peers:  # so that a timer's moment is the same for both
            peer.connection.rearm()


def test_most_answers_take_the_short_way() -> None:
    peer = opened(Settings())
    for _ in range(20):
        peer.say(payload=b"a question")
        peer.connection.take()
        for piece in (b"an ", b"answer"):
            peer.connection.write(piece)
        (sent,), was_short = flushed(peer, short=True)
        assert was_short
        assert sent[5] == b"an answer"
        peer.now += 0.01
