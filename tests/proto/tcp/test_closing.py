"""Closing: FIN in its order, both sides at once, one side only, and RST (RFC 9293 3.6)."""

from __future__ import annotations

import pytest

from fata.errors import StateError
from fata.proto.tcp.settings import HostSettings, Settings
from fata.proto.tcp.transmission import CLOSED, ENDED, RECEIVED, Failure
from fata.wire.tcp import ACK, FIN, RST
from tests.proto.tcp.link import Link
from tests.proto.tcp.peer import Peer, payload


def opened(settings: Settings | None = None, host: HostSettings | None = None) -> Peer:
    peer = Peer(settings, host)
    peer.open()
    peer.events = 0
    return peer


def closing(peer: Peer) -> None:
    """Have the host's user shut down; FIN is out."""
    peer.connection.shutdown()
    (fin,) = peer.flush()
    assert fin.flags == FIN | ACK


def test_we_close_first() -> None:
    peer = opened()
    closing(peer)
    assert peer.state == "FIN_WAIT_1"
    peer.say()
    assert peer.state == "FIN_WAIT_2"
    (last,) = peer.say(FIN | ACK)
    assert last.ack == peer.seq & 0xFFFFFFFF
    assert peer.events == ENDED | CLOSED | 8
    assert peer.connection.failure is None
    assert peer.state == "TIME_WAIT"


def test_the_peer_closes_first() -> None:
    peer = opened()
    peer.say(FIN | ACK)
    assert peer.events == ENDED
    assert peer.state == "CLOSE_WAIT"
    closing(peer)
    assert peer.state == "LAST_ACK"
    peer.say()
    assert peer.events & CLOSED
    assert not peer.host.connections


def test_both_close_at_once() -> None:
    peer = opened()
    closing(peer)
    ack = peer.ack - 1
    peer.say(FIN | ACK, ack=ack)
    assert peer.state == "CLOSING"
    peer.say()
    assert peer.events & CLOSED
    assert peer.state == "TIME_WAIT"


def test_fin_and_acknowledgment_of_ours_in_one_segment() -> None:
    peer = opened()
    closing(peer)
    peer.say(FIN | ACK)
    assert peer.events & CLOSED
    assert peer.state == "TIME_WAIT"


def test_two_hosts_close_at_once() -> None:
    link = Link()
    client, server = link.pair()
    client.connection.shutdown()
    server.connection.shutdown()
    link.a.flush(client)
    link.b.flush(server)
    link.run_until(lambda: client.closed and server.closed)
    assert client.connection.failure is server.connection.failure is None
    link.run(61)
    assert not link.a.host.connections
    assert not link.b.host.connections


def test_half_close_the_other_direction_goes_on() -> None:
    link = Link()
    client, server = link.pair()
    link.shutdown(client)
    link.run_until(lambda: server.ended)
    link.run(7200)  # and for as long as it likes
    link.write(server, b"x" * 100_000)
    link.run_until(lambda: len(client.received) == 100_000)
    link.shutdown(server)
    link.run_until(lambda: client.closed and server.closed)


def test_fin_waits_for_what_was_written() -> None:
    peer = opened()
    peer.connection.write(b"x" * 2000)
    peer.connection.shutdown()
    out = peer.flush()
    assert [len(payload(segment)) for segment in out] == [1460, 540]
    assert [segment.flags & FIN for segment in out] == [0, FIN]


def test_fin_before_its_turn_waits_for_the_gap() -> None:
    peer = opened()
    peer.say(FIN | ACK, b"later", seq=peer.seq + 6)
    assert peer.events == 0
    peer.say(ACK, b"first ")
    assert peer.events == RECEIVED | ENDED
    assert peer.take() == b"first later"
    assert peer.state == "CLOSE_WAIT"


def test_shutting_down_after_the_end_does_nothing() -> None:
    peer = opened()
    peer.say(RST)
    assert peer.state == "CLOSED"
    peer.connection.shutdown()
    assert peer.flush() == []
    assert not peer.connection.fin_queued


def test_writing_after_shutdown_is_a_bug() -> None:
    peer = opened()
    closing(peer)
    with pytest.raises(StateError, match="FIN-WAIT-1"):
        peer.connection.write(b"x")
    peer.connection.shutdown()  # again: nothing
    assert peer.flush() == []


def test_abort_sends_a_reset_in_sequence() -> None:
    peer = opened()
    peer.connection.abort()
    (reset,) = peer.flush()
    assert reset.flags == RST | ACK
    assert reset.seq == peer.ack & 0xFFFFFFFF
    assert peer.connection.failure is Failure.ABORTED
    assert not peer.host.connections
    assert peer.flush() == []
    peer.connection.abort()
    assert peer.flush() == []


def test_a_reset_in_sequence_ends_it() -> None:
    peer = opened()
    peer.say(ACK, b"last words")
    peer.say(RST)
    assert peer.events & CLOSED
    assert peer.connection.failure is Failure.RESET
    assert peer.take() == b"last words"


def test_a_reset_with_data_is_a_reset() -> None:
    peer = opened()
    peer.say(RST | ACK, b"why")
    assert peer.connection.failure is Failure.RESET


def test_data_for_nobody_are_refused() -> None:
    peer = opened()
    peer.connection.detach()
    closing(peer)
    peer.say()
    (reset,) = peer.say(ACK, b"too late")
    assert reset.flags & RST
    assert peer.events & CLOSED
    assert not peer.host.connections


def test_detached_with_unread_data_is_reset() -> None:
    peer = opened()
    peer.say(ACK, b"unread")
    peer.connection.detach()
    (reset,) = peer.flush()
    assert reset.flags & RST


def test_fin_wait_2_is_bounded_once_nobody_reads() -> None:
    peer = opened()
    closing(peer)
    peer.say()
    peer.wait(7200)
    assert peer.state == "FIN_WAIT_2"  # somebody reads: no bound
    peer.connection.detach()
    peer.flush()
    peer.wait(61)
    assert peer.events & CLOSED
    assert not peer.host.connections


def test_the_last_fin_is_repeated_until_it_is_acknowledged() -> None:
    peer = opened()
    peer.say(FIN | ACK)
    closing(peer)
    again = peer.wait(5)
    assert again
    assert all(segment.flags == FIN | ACK for segment in again)
    peer.say()
    assert not peer.host.connections


def test_after_the_end_nothing_is_heard_or_said() -> None:
    peer = opened()
    connection = peer.connection
    peer.say(RST)
    assert connection.receive(peer.segment(), peer.now) == 0
    assert connection.flush(peer.now) == []
    assert connection.tick(peer.now + 1000) == 0
    connection.shutdown()
    connection.detach()
    with pytest.raises(StateError):
        connection.write(b"x")


def test_without_time_wait_nothing_stays() -> None:
    peer = opened(host=HostSettings(time_wait=0.0))
    closing(peer)
    (last,) = peer.say(FIN | ACK)
    assert last.flags == ACK
    assert not peer.host.connections
