"""Windows: silly ones on both sides, Nagle, slow readers, scaling, shrinking (RFC 9293 3.8.6)."""

from __future__ import annotations

import pytest

from fata.errors import StateError
from fata.proto.tcp.settings import Settings
from fata.wire.tcp import ACK, FIN, PSH, RST, Options
from tests.proto.tcp.link import Faults, Link
from tests.proto.tcp.peer import Peer, payload

FULL = b"x" * 1460


def opened(settings: Settings | None = None, options: Options | None = None) -> Peer:
    peer = Peer(settings)
    peer.open(options)
    peer.events = 0
    return peer


def sizes(peer: Peer) -> list[int]:
    """The sizes of the payloads that leave now."""
    return [len(payload(segment)) for segment in peer.flush()]


def test_nagle_keeps_small_writes_back_while_something_is_on_its_way() -> None:
    peer = opened()
    assert [payload(s) for s in peer.write(b"a")] == [b"a"]
    assert peer.write(b"b") == []
    assert peer.write(b"c") == []
    assert [payload(s) for s in peer.say()] == [b"bc"]


def test_nagle_lets_full_segments_pass() -> None:
    peer = opened()
    peer.write(b"a")
    peer.connection.write(FULL + b"rest")
    assert sizes(peer) == [1460]


def test_nodelay_sends_everything_at_once() -> None:
    peer = opened()
    peer.connection.nodelay = True
    assert [payload(s) for part in (b"a", b"b", b"c") for s in peer.write(part)] == [b"a", b"b", b"c"]


def test_the_last_segment_is_pushed() -> None:
    peer = opened()
    out = peer.write(FULL * 3)
    assert [segment.flags for segment in out] == [ACK, ACK, ACK | PSH]


def test_the_initial_window_is_ten_segments() -> None:
    peer = opened()
    peer.connection.write(FULL * 20)
    assert sizes(peer) == [1460] * 10


def test_idle_for_longer_than_the_timeout_restarts_from_the_initial_window() -> None:
    peer = opened()
    connection = peer.connection
    connection.congestion.window = 100 * 1460
    peer.window = 65535
    peer.now += 10
    connection.write(FULL * 40)
    assert sizes(peer) == [1460] * 10


def test_transmissions_are_multiples_of_the_segment_size() -> None:
    peer = opened(Settings(nodelay=True), Options(1460, 7))
    connection = peer.connection
    connection.congestion.window = connection.snd_edge = 10**9 + connection.snd_una
    connection.write(b"x" * 200_000)
    out = connection.flush(peer.now)
    assert all(sent.length % sent.segment_size == 0 for sent in out[:-1])
    assert all(sent.length <= connection.settings.max_transmission for sent in out)
    assert len(out) == 4
    assert sum(sent.length for sent in out) == 200_000


def test_a_small_window_is_not_filled_with_small_segments() -> None:
    peer = opened()
    peer.window = 10_000
    peer.say()
    peer.connection.write(FULL * 20)
    assert sizes(peer) == [1460] * 6  # 1,240 octets of the window stay empty
    assert sizes(peer) == []
    peer.window = 100
    peer.say()
    assert sizes(peer) == []
    (late, *_) = peer.wait(1.0)  # the override: better small than never
    assert len(payload(late)) == 100


def test_half_of_the_largest_window_is_worth_a_segment() -> None:
    peer = Peer()
    peer.window = 1000
    peer.open()
    peer.connection.write(FULL)
    assert sizes(peer) == [1000]


def test_a_shrinking_window_does_no_harm() -> None:
    peer = opened()
    peer.connection.write(FULL * 10)
    assert sizes(peer) == [1460] * 10
    start = peer.connection.snd_una
    peer.window = 1460
    peer.say(ack=start + 1460)  # takes back nine tenths of what it had offered
    assert sizes(peer) == []
    assert len([s for s in peer.wait(1.0) if payload(s)]) >= 1  # the first of them again
    peer.window = 65535
    peer.say()
    assert peer.connection.queued == 0


def test_we_never_shrink_ours() -> None:
    peer = opened(Settings(receive_buffer=20_000), Options(1460, 0))
    right = 0
    for _ in range(40):
        for segment in peer.say(ACK, b"y" * 400):
            edge = segment.ack + segment.window
            assert edge >= right or right - edge > 1 << 31
            right = edge
    assert peer.connection.rcv_edge >= peer.connection.rcv_nxt


def test_the_window_closes_when_nobody_reads_and_opens_by_a_step_worth_telling() -> None:
    peer = opened(Settings(receive_buffer=8000))
    for _ in range(20):
        peer.say(ACK, b"y" * min(400, peer.connection.rcv_edge - peer.connection.rcv_nxt))
    peer.wait(1)
    assert peer.said[-1].window == 0
    peer.take()
    (update,) = peer.flush()
    assert update.window >= 4000
    assert peer.flush() == []


def test_a_small_step_is_not_told() -> None:
    peer = opened()
    peer.say(ACK, FULL)
    peer.take()
    assert peer.flush() == []
    assert len(peer.wait(1)) == 1  # the acknowledgment, in its time


def test_a_reset_and_acknowledgments_get_through_a_closed_window() -> None:
    peer = opened(Settings(receive_buffer=4000))
    peer.write(b"hello")
    before = peer.ack
    while peer.connection.rcv_edge > peer.connection.rcv_nxt:
        size = min(1000, peer.connection.rcv_edge - peer.connection.rcv_nxt)
        peer.say(ACK, b"y" * size, ack=before - 5)
    assert peer.connection.queued == 5
    peer.say(ACK, b"z", ack=before)  # does not fit, and acknowledges
    assert peer.connection.queued == 0
    peer.say(RST, seq=peer.connection.rcv_nxt & 0xFFFFFFFF)
    assert peer.state == "CLOSED"


def test_windows_above_64_kib_are_used() -> None:
    link = Link(faults=Faults(delay=0.05, rate=50e6))
    client, server = link.pair()
    link.write(client, b"x" * 4_000_000)
    largest = 0
    while len(server.received) < 4_000_000:
        link.step()
        largest = max(largest, client.connection.snd_nxt - client.connection.snd_una)
    assert largest > 200_000


def test_without_scaling_the_window_is_16_bits() -> None:
    link = Link(a=Settings(window_scaling=False))
    client, server = link.pair()
    link.write(client, b"x" * 1_000_000)
    while len(server.received) < 1_000_000:
        link.step()
        assert client.connection.snd_nxt - client.connection.snd_una <= 65535


@pytest.mark.parametrize("buffer", [1000, 4096, 65535, 1 << 20, 1 << 24])
def test_any_buffer_size_scales(buffer: int) -> None:
    link = Link(a=Settings(receive_buffer=buffer), b=Settings(receive_buffer=buffer))
    client, server = link.pair()
    link.write(client, b"q" * 50_000)
    link.write(server, b"r" * 50_000)
    link.run_until(lambda: len(server.received) == 50_000 and len(client.received) == 50_000)


def test_a_slow_reader_gets_everything() -> None:
    link = Link(b=Settings(receive_buffer=16_384), faults=Faults(loss=0.02))
    client, server = link.pair()
    server.reading = False
    data = bytes(range(256)) * 800
    link.write(client, data)
    link.shutdown(client)
    for _ in range(2000):
        link.run(0.5)
        link.read(server)
        if server.ended:
            break
    assert server.received == data


def test_too_much_in_the_queue_is_a_bug() -> None:
    peer = opened(Settings(send_limit=100_000))
    peer.connection.write(b"x" * 90_000)
    with pytest.raises(StateError, match="limit 100000"):
        peer.connection.write(b"x" * 20_000)


def test_writing_nothing_is_nothing() -> None:
    peer = opened()
    assert peer.write(b"") == []
    assert peer.connection.queued == 0


def test_fin_is_not_sent_beyond_the_window_but_probes_it() -> None:
    peer = opened()
    peer.window = 0
    peer.say()
    peer.connection.shutdown()
    assert peer.flush() == []
    (probe, *_) = peer.wait(3)
    assert probe.flags & FIN


def test_statistics_tell_the_figures() -> None:
    peer = opened()
    peer.write(b"x" * 3000)
    peer.say(ACK, b"yy", ack=peer.connection.snd_una)
    figures = peer.connection.statistics()
    assert figures.state == "ESTABLISHED"
    assert figures.in_flight == figures.queued - 80 == 2920
    assert figures.segment_size == 1460
    assert figures.unread > 2
    assert figures.algorithm == "cubic"
