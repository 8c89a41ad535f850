"""IPv4 reassembly (RFC 791 3.2, RFC 815, RFC 1122 3.3.2): fragments in, whole datagrams out.

Fragments cost an attacker little and us memory, so everything has a bound: octets a source, octets in all, fragments
a datagram, seconds a datagram. What is counted is what is kept: payload is copied out of its frame, so that eight
octets do not hold a frame of 64 KiB, and each piece is charged with what its bookkeeping takes.

Fragments that overlap are either an attack (teardrop, RFC 1858) or a mistake that cannot be put right. The datagram
is dropped, and so are its fragments that come later, as RFC 5722 demands for IPv6. The network's own duplicates, equal
in every octet, are passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from fata.wire import icmpv4, ipv4

LIFETIME = 30.0  # seconds; RFC 1122 3.3.2 asks for one fixed time for all. RFC 791's 15 suit slow links badly
FRAGMENT_COST = (
    128  # octets: bytes object, two list slots, an integer (measured: 33 + 16 + 32, and the allocator's share)
)
HEADER_COST = 384  # octets: the first fragment's header as a value
DATAGRAM_COST = 1024  # octets: key, record, its lists, entries in the dictionaries


class Limits(NamedTuple):
    """How much may be kept. A datagram of 64 KiB in fragments of 1,480 octets takes 72 KiB."""

    octets_per_source: int = 256 * 1024
    octets: int = 4 * 1024 * 1024
    fragments: int = 128  # a datagram; 64 KiB over a link of 576 octets make 119

    @classmethod
    def within(cls, memory: int) -> Limits:
        """Return the limits of a machine with so many octets free: an eighth of them, a quarter of that a source."""
        octets = min(cls().octets, memory // 8)
        return cls(min(cls().octets_per_source, octets // 4), octets)


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Counters:
    """What has become of fragments (`malformed` to `too_many`: of the datagram they belong to) since the start."""

    fragments: int = 0
    reassembled: int = 0
    duplicates: int = 0
    malformed: int = 0  # no payload, or not a multiple of 8 octets before the last
    oversized: int = 0  # beyond 65,535 octets: the ping of death
    overlapping: int = 0  # datagrams: ranges overlap, or their ends contradict each other
    too_many: int = 0  # datagrams of more fragments than the limit
    refused: int = 0  # fragments of a datagram that was dropped before
    evicted: int = 0  # datagrams that made room, within their source's limit or in all
    expired: int = 0


class Datagram(NamedTuple):
    """A whole datagram."""

    header: ipv4.Header  # the first fragment's, with the whole datagram's length, no fragment's any more
    payload: bytes


@dataclass(slots=True)
class Pieces:
    """A datagram while it is incomplete. Ranges never overlap, so it is complete when the octets add up."""

    deadline: float
    cost: int = DATAGRAM_COST
    offsets: list[int] = field(default_factory=list)  # ascending
    payloads: list[bytes] = field(default_factory=list)  # in the same order
    octets: int = 0  # of payload, so far
    length: int = -1  # octets of payload in all; -1 while the last fragment is missing
    header: ipv4.Header | None = None  # the first fragment's
    dropped: bool = False  # nothing is kept but the memory that it is not wanted

    @property
    def reached(self) -> int:
        """The end of the farthest fragment, in octets."""
        return self.offsets[-1] + len(self.payloads[-1]) if self.offsets else 0


Key = tuple[bytes, bytes, int, int]


class Reassembly:
    """A host's incomplete datagrams."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.counters = Counters()
        self.octets = 0  # kept, bookkeeping included
        self._datagrams: OrderedDict[Key, Pieces] = OrderedDict()  # the oldest, which is the next to expire, first
        self._by_source: dict[bytes, OrderedDict[Key, None]] = {}  # the same order
        self._octets_of: dict[bytes, int] = {}  # kept, by source
        self._expired: list[icmpv4.Quoted] = []

    def __len__(self) -> int:
        return len(self._datagrams)

    def octets_of(self, source: bytes) -> int:
        """Return the octets that are kept for a source."""
        return self._octets_of.get(source, 0)

    def receive(self, header: ipv4.Header, data: bytes, start: int, end: int, now: float) -> Datagram | None:
        """Take a fragment, whose payload is `data[start:end]`; return the datagram if this completes it."""
        self.counters.fragments += 1
        size = end - start
        if size <= 0 or (header.more_fragments and size % ipv4.OFFSET_UNIT):
            self.counters.malformed += 1
            return None
        if header.header_length + header.fragment_offset + size > ipv4.MAX_LENGTH:
            self.counters.oversized += 1
            return None
        key = (header.source, header.destination, header.protocol, header.identification)
        pieces = self._datagrams.get(key) or self._begin(key, now)
        if pieces.dropped:
            self.counters.refused += 1
            return None
        if self._insert(key, pieces, header, data[start:end]) and pieces.octets == pieces.length:
            return self._complete(key, pieces)
        self._make_room(key)
        return None

    def _complete(self, key: Key, pieces: Pieces) -> Datagram | None:
        self._remove(key)
        first = pieces.header
        if first is None or first.header_length + pieces.length > ipv4.MAX_LENGTH:
            self.counters.oversized += 1  # only the first fragment's header has all the options
            return None
        self.counters.reassembled += 1
        whole = first._replace(more_fragments=False, total_length=first.header_length + pieces.length)
        return Datagram(whole, b"".join(pieces.payloads))

    def _begin(self, key: Key, now: float) -> Pieces:
        pieces = Pieces(now + LIFETIME)
        self._datagrams[key] = pieces
        self._by_source.setdefault(key[0], OrderedDict())[key] = None
        self._charge(key[0], pieces.cost)
        return pieces

    def _insert(self, key: Key, pieces: Pieces, header: ipv4.Header, payload: bytes) -> bool:
        """Put a fragment in its place; return whether it was news."""
        offset = header.fragment_offset
        at = bisect_left(pieces.offsets, offset)
        if at < len(pieces.offsets) and pieces.offsets[at] == offset and pieces.payloads[at] == payload:
            self.counters.duplicates += 1
            return False
        if not _fits(pieces, at, offset, len(payload), header.more_fragments):
            self.counters.overlapping += 1
            self._drop(key, pieces)
            return False
        if len(pieces.offsets) >= self.limits.fragments:
            self.counters.too_many += 1
            self._drop(key, pieces)
            return False
        pieces.offsets.insert(at, offset)
        pieces.payloads.insert(at, payload)
        pieces.octets += len(payload)
        cost = len(payload) + FRAGMENT_COST
        if offset == 0:
            pieces.header = header
            cost += HEADER_COST + len(header.options)
        if not header.more_fragments:
            pieces.length = offset + len(payload)
        pieces.cost += cost
        self._charge(key[0], cost)
        return True

    def _drop(self, key: Key, pieces: Pieces) -> None:
        """Keep of a datagram only that its fragments are to be refused, until its time is over."""
        self._charge(key[0], DATAGRAM_COST - pieces.cost)
        self._datagrams[key] = Pieces(pieces.deadline, dropped=True)

    def _make_room(self, key: Key) -> None:
        """Go back within the limits by giving up the oldest datagrams: honest ones are complete within milliseconds."""
        while self._octets_of.get(key[0], 0) > self.limits.octets_per_source:
            self._remove(next(iter(self._by_source[key[0]])))
            self.counters.evicted += 1
        while self.octets > self.limits.octets:
            self._remove(next(iter(self._datagrams)))
            self.counters.evicted += 1

    def _charge(self, source: bytes, octets: int) -> None:
        self.octets += octets
        self._octets_of[source] = self._octets_of.get(source, 0) + octets

    def _remove(self, key: Key) -> Pieces:
        pieces = self._datagrams.pop(key)
        source = key[0]
        self._charge(source, -pieces.cost)
        del self._by_source[source][key]
        if not self._by_source[source]:
            del self._by_source[source]
            del self._octets_of[source]
        return pieces

    def next_deadline(self) -> float:
        """Return when the oldest datagram's time is over; inf if there is none."""
        return next(iter(self._datagrams.values())).deadline if self._datagrams else inf

    def tick(self, now: float) -> None:
        """Give up the datagrams whose time is over."""
        while self._datagrams and self.next_deadline() <= now:
            key = next(iter(self._datagrams))
            pieces = self._remove(key)
            self.counters.expired += 1
            if pieces.header:
                quote = pieces.payloads[0][: icmpv4.MAX_QUOTE - pieces.header.header_length]
                self._expired.append(icmpv4.Quoted(pieces.header, quote))

    def take_expired(self) -> list[icmpv4.Quoted]:
        """Return the first fragments of what has expired since the last call: their sources are told (RFC 792)."""
        expired, self._expired = self._expired, []
        return expired


def _fits(pieces: Pieces, at: int, offset: int, size: int, more: bool) -> bool:
    """Say whether a fragment overlaps none of the others and contradicts no end. `at` is its place among them."""
    end = offset + size
    if at and pieces.offsets[at - 1] + len(pieces.payloads[at - 1]) > offset:
        return False
    if at < len(pieces.offsets) and pieces.offsets[at] < end:
        return False
    if more:
        return pieces.length < 0 or end < pieces.length
    return pieces.length < 0 and end >= pieces.reached
