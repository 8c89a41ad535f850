"""What a TCP counts, event by event. Counters that other tests look at with what they count are not repeated here."""

from __future__ import annotations

from dataclasses import asdict

from fata.proto.tcp.counters import Counters
from fata.proto.tcp.settings import HostSettings
from fata.wire.tcp import ACK, FIN, RST, SYN, Options
from tests.proto.tcp.link import CLIENT, SERVER
from tests.proto.tcp.peer import PEER_PORT, PORT, Peer

SCALED = Options(1000, 7, True)


def news(peer: Peer, before: Counters) -> dict[str, int]:
    """Return by how much each counter has grown."""
    old = asdict(before)
    return {name: count - old[name] for name, count in asdict(peer.host.counters).items() if count != old[name]}


def opened(options: Options = SCALED) -> tuple[Peer, Counters]:
    peer = Peer()
    peer.open(options)
    return peer, Counters(**asdict(peer.host.counters))


def test_connections_by_who_began_and_how_they_ended() -> None:
    peer = Peer()
    peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, None, peer.now, PORT)
    peer.flush()
    assert news(peer, Counters()) == {"opened": 1}
    peer.wait(1.5)
    assert news(peer, Counters()) == {"opened": 1, "retransmissions": 1}
    peer.say(RST | ACK)
    assert news(peer, Counters()) == {"opened": 1, "retransmissions": 1, "resets_received": 1, "failed": 1}

    peer, before = opened()
    assert news(peer, Counters()) == {"accepted": 1}
    peer.connection.shutdown()
    peer.flush()
    peer.say()
    peer.say(FIN | ACK)
    assert peer.state == "TIME_WAIT"
    assert news(peer, before) == {"closed": 1}
    peer.user = peer.host.connect(SERVER, CLIENT, PEER_PORT, None, None, peer.now, PORT)
    assert news(peer, before) == {"closed": 1, "opened": 1, "time_wait_reused": 1}

    peer, before = opened()
    peer.say(FIN | ACK)
    peer.connection.shutdown()
    peer.flush()
    peer.say()
    assert peer.state == "CLOSED"
    assert news(peer, before) == {"closed": 1}

    peer, before = opened()
    peer.say(RST)
    assert news(peer, before) == {"failed": 1, "resets_received": 1}
    peer.say()
    assert news(peer, before) == {"failed": 1, "resets_received": 1, "resets_sent": 1}


def test_segments_that_came_before_their_turn_twice_or_from_elsewhere() -> None:
    peer, before = opened()
    peer.say(ACK, b"later", seq=(peer.seq + 10) & 0xFFFFFFFF)
    assert news(peer, before) == {"out_of_order": 1}
    peer.say(ACK, b"0123456789")
    peer.take()
    assert news(peer, before) == {"out_of_order": 1}
    peer.say(ACK, b"0123456789", seq=(peer.seq - 10) & 0xFFFFFFFF)
    assert news(peer, before) == {"out_of_order": 1, "duplicates": 1, "dropped_out_of_window": 1}
    peer.say(ACK, b"far", seq=(peer.seq + (1 << 30)) & 0xFFFFFFFF)
    assert news(peer, before) == {"out_of_order": 1, "duplicates": 1, "dropped_out_of_window": 2}


def test_retransmissions_by_their_cause() -> None:
    peer, before = opened(Options(1000, 7, False))
    base = peer.connection.snd_una
    peer.write(b"x" * 10_000)
    for _ in range(3):
        peer.say(ack=base)
    assert news(peer, before) == {"retransmissions": 1, "recoveries": 1}

    peer, before = opened()
    base = peer.connection.snd_una
    peer.write(b"x" * 10_000)
    peer.now += 0.01
    held = Options(sack=(((base + 1000) & 0xFFFFFFFF, (base + 10_000) & 0xFFFFFFFF),))
    peer.say(ack=base, options=held)
    assert news(peer, before) == {"retransmissions": 1, "recoveries": 1, "sack_recoveries": 1}

    peer, before = opened(Options(1000, 7, False))
    peer.write(b"x")
    peer.wait(0.3)
    assert news(peer, before) == {"retransmissions": 1, "timeouts": 1}


def test_caps() -> None:
    peer = Peer(host=HostSettings(max_connections=1, max_half_open=0))
    peer.listen()
    cookies = []
    for port in (1000, 1001):
        peer.key = peer.key_for(port)
        peer.isn = peer.seq = port
        peer.say(SYN, ack=0, options=Options(1460))
        cookies.append((peer.key, peer.seq, peer.ack))
    for peer.key, peer.seq, peer.ack in cookies:
        peer.say()
    assert news(peer, Counters()) == {
        "cookies_sent": 2, "cookies_accepted": 1, "accepted": 1, "refused_connections": 1,
    }  # fmt: skip
