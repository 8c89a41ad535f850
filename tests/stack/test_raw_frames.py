"""A stack over a card with raw frames does what it does over one without: the same frames, dropped and sent alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from random import Random
from typing import Any

import pytest

from fata.device.net import Capabilities, Checksum, RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.driver.entropy.seeded import SeededEntropy
from fata.driver.poller.virtual import VirtualPoller
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from fata.wire import ipv4
from fata.wire.checksum import MODULUS, residue
from fata.wire.tcp import ACK, FIN, PSH, RST, SYN, URG, Options, Segment, serialize_header
from tests.stack.networks import OFFLOADS, run_virtual

OUR_MAC, THEIR_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
OURS, THEIRS = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
PORT, CLIENT = 80, 5000
VERIFIED, UNKNOWN = b"\1", b"\0"  # our card's header before a received frame
TO_COMPLETE = b"complete:"  # and before a sent one


class Card:
    """A Net of memory."""

    mac, mtu = OUR_MAC, 1500
    capabilities: Capabilities = OFFLOADS

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.arrived: list[bytes] = []

    def arrive(self, *frames: bytes) -> None:
        """Have the stack receive frames, a header before each."""
        self.arrived = list(frames)
        self._readable()

    def receive(self) -> list[ReceivedFrame]:
        frames, self.arrived = self.arrived, []
        return [self.interpret(octets) for octets in frames]

    def interpret(self, octets: bytes) -> ReceivedFrame:
        kind = Checksum.VERIFIED if octets[:1] == VERIFIED else Checksum.UNKNOWN
        return ReceivedFrame(octets[1:], kind, Segmentation.NONE, 0)

    def send(self, frames: Sequence[SentFrame]) -> int:
        self.sent += [b"".join(frame.buffers) for frame in frames]
        return len(frames)

    def watch(self, readable: Callable[[], None], _writable: Callable[[], None]) -> None:
        self._readable = readable

    async def close(self) -> None:
        """Nothing is open."""


class RawCard(Card):
    """The same with raw frames; `raw_sent` counts those."""

    raw: RawForm | None = RawForm(1, TO_COMPLETE)
    raw_sent = 0

    def receive(self) -> list[ReceivedFrame]:
        raise AssertionError("a card with raw frames is asked for those")

    def receive_raw(self) -> list[bytes]:
        frames, self.arrived = self.arrived, []
        return frames

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        for frame in frames:
            if isinstance(frame, bytes):
                assert frame.startswith(TO_COMPLETE)
                self.raw_sent += 1
                self.sent.append(frame.removeprefix(TO_COMPLETE))
            else:
                self.sent.append(b"".join(frame.buffers))
        return len(frames)


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Pair:
    """Two hosts that cannot tell each other apart, but for their cards."""

    def __init__(self) -> None:
        self.cards: tuple[Card, RawCard] = Card(), RawCard()
        self.stacks = [DirectStack(card, Addressing(OURS, 24), SeededEntropy(1).octets) for card in self.cards]
        self.seq, self.ack = 1, 0

    async def connect(self) -> None:
        for stack in self.stacks:
            await stack.create_server(Echo, OURS_TEXT, PORT)
        self.arrive(UNKNOWN + OUR_MAC + THEIR_MAC + b"\x08\x06" + ARP)
        await asyncio.sleep(0.01)
        self.arrive(frame(0, 0, SYN, options=Options(1460, 7, True)))
        isn = int.from_bytes(self.cards[0].sent[-1][38:42])
        self.ack = isn + 1
        self.arrive(frame(self.seq, self.ack, ACK))

    def arrive(self, *frames: bytes) -> list[bytes]:
        """Have both receive frames; return what they both have sent since the last time."""
        for card in self.cards:
            card.sent.clear()
            card.arrive(*frames)
        assert self.cards[0].sent == self.cards[1].sent
        return self.cards[0].sent

    def request(self, payload: bytes) -> bytes:
        """Return the next frame of payload, in order, which acknowledges everything."""
        made = frame(self.seq, self.ack, ACK | PSH, payload)
        self.seq += len(payload)
        self.ack += len(payload)
        return made

    def compare(self) -> None:
        """Check that both have counted the same."""
        plain, raw = (stack.host for stack in self.stacks)
        assert asdict(plain.counters) == asdict(raw.counters)
        assert asdict(plain.tcp.host.counters) == asdict(raw.tcp.host.counters)


OURS_TEXT = "10.0.0.1"
ARP = b"\x00\x01\x08\x00\x06\x04\x00\x01" + THEIR_MAC + THEIRS + bytes(6) + OURS + bytes(18)


def frame(
    seq: int, ack: int, flags: int, payload: bytes = b"", options: Options | None = None, begin: bytes = VERIFIED
) -> bytes:
    """Return a client's frame behind the card's header, with right checksums."""
    made = Segment(CLIENT, PORT, seq, ack & 0xFFFFFFFF, flags, 65000, timestamp=5, echo=0, options=options or Options())
    packet = bytearray(serialize_header(made) + payload)
    packet[16:18] = (MODULUS - residue(bytes(packet), residue(THEIRS + OURS, 6 + len(packet)))).to_bytes(2)
    ip = ipv4.serialize(ipv4.Header(THEIRS, OURS, ipv4.TCP, dont_fragment=True), len(packet))
    return begin + OUR_MAC + THEIR_MAC + b"\x08\x00" + ip + bytes(packet)


def run(main: Callable[[Pair], None]) -> Pair:
    """Connect and run `main`."""
    made: list[Pair] = []

    async def program(_poller: VirtualPoller) -> None:
        pair = Pair()
        made.append(pair)
        await pair.connect()
        main(pair)
        pair.compare()
        for stack in pair.stacks:
            await stack.close()

    run_virtual(program)
    return made[0]


def test_answers_leave_raw_and_are_the_same() -> None:
    def main(pair: Pair) -> None:
        for number in range(20):
            (answer,) = pair.arrive(pair.request(b"request %d" % number))
            assert answer.endswith(b"request %d" % number)

    assert run(main).cards[1].raw_sent >= 19


@pytest.mark.parametrize("begin", [VERIFIED, UNKNOWN])
def test_a_spoiled_octet_is_noticed_wherever_it_is(begin: bytes) -> None:
    """With verified checksums TCP's octets are believed: the card has seen them."""

    def main(pair: Pair) -> None:
        random = Random(4)
        for at in range(1, 80):
            good = pair.request(b"sixteen octets..")
            good = begin + good[1:]
            pair.arrive(good[:at] + bytes((good[at] ^ 1 << random.randrange(8),)) + good[at + 1 :])
            pair.arrive(good)
            pair.compare()

    run(main)


@pytest.mark.parametrize("cut", [1, 15, 35, 60, 66, 67, 80])
def test_a_frame_cut_short_is_no_other_frame(cut: int) -> None:
    def main(pair: Pair) -> None:
        pair.arrive(pair.request(b"first"))
        pair.arrive(pair.request(b"sixteen octets..")[:cut])

    run(main)


@pytest.mark.parametrize("flags", [0, SYN, FIN | ACK, RST, RST | ACK, URG | ACK, ACK | 0xC0, ACK])
def test_flags_that_are_not_expected_take_the_long_way(flags: int) -> None:
    def main(pair: Pair) -> None:
        pair.arrive(pair.request(b"first"))
        pair.arrive(frame(pair.seq, pair.ack, flags, b"second"))
        pair.arrive(frame(pair.seq + 100, pair.ack, ACK, b"behind a gap"))
        pair.arrive(frame(pair.seq, pair.ack, ACK, b"once more"))

    run(main)


def test_trailing_octets_are_no_payload() -> None:
    def main(pair: Pair) -> None:
        (answer,) = pair.arrive(pair.request(b"first") + bytes(30))
        assert answer.endswith(b"first")
        (answer,) = pair.arrive(pair.request(b"second") + bytes(30))
        assert answer.endswith(b"second")

    run(main)


def test_many_beginnings_are_not_remembered_for_ever() -> None:
    def main(pair: Pair) -> None:
        for number in range(300):
            good = pair.request(b"x")
            pair.arrive(good[:7] + (0x020000000000 + number).to_bytes(6) + good[13:])
        assert len(pair.stacks[1].host.input._begins) <= 64

    run(main)
