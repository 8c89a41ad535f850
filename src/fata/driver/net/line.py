"""One direction of a cable, with all that can befall a frame on it. Sans-I/O: frames and `now` in, moments out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from fata.driver.net.sendable import ETHERNET_HEADER
from fata.errors import ConfigError
from fata.wire import ethernet, ipv4, tcp

IP = ethernet.HEADER_LENGTH
IPV4_TYPE, IPV6_TYPE = b"\x08\x00", b"\x86\xdd"
IPV6_HEADER = 40  # octets, RFC 8200 3
CONTROL = tcp.SYN | tcp.FIN | tcp.RST


class Blackout(NamedTuple):
    """Nothing passes for `seconds`: from the moment `at`, or once `after_octets` have passed."""

    seconds: float
    at: float = math.inf  # seconds on the clock
    after_octets: int | None = None


@dataclass(frozen=True, slots=True)
class Faults:
    """What befalls frames in one direction. Shares are of 1, each frame by itself; nothing by default.

    A frame passes in this order: `mtu` and `loss`, `corrupt` and `trailing`, the wait for the line at `rate`,
    `delay` and `jitter`, `reorder` and `duplicate`. Frames keep their order but for `reorder`.
    """

    loss: float = 0.0  # share that is lost
    loss_of_empty: float = 0.0  # the same of TCP segments that carry nothing, such as pure acknowledgments
    duplicate: float = 0.0  # share that arrives twice
    corrupt: float = 0.0  # share with one bit inverted, anywhere
    reorder: float = 0.0  # share held back by `reorder_delay`, so that others overtake
    reorder_delay: float = 0.002  # seconds
    delay: float = 0.0  # seconds each frame is on its way
    jitter: float = 0.0  # seconds more, at most, evenly distributed
    rate: float = math.inf  # bits a second
    queue: int = 1_000_000  # octets that wait for the line; what does not fit is lost
    mtu: int | None = None  # octets; larger frames are lost without a word, as behind a broken router
    trailing: int = 0  # octets of rubbish behind each frame
    blackouts: tuple[Blackout, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name in ("loss", "loss_of_empty", "duplicate", "corrupt", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"faults: {name} is {getattr(self, name)}", remedy="A share is from 0 to 1.")
        for name in ("reorder_delay", "delay", "jitter", "queue", "trailing"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"faults: {name} is {getattr(self, name)}", remedy="It is 0 or more.")
        if not self.rate > 0:
            raise ConfigError(f"faults: a rate of {self.rate} bit/s", remedy="It is more than 0.")


@dataclass(slots=True)
class LineCounters:
    """What a line has done, in frames. One may count under several names."""

    carried: int = 0  # that went in
    octets: int = 0  # of these
    lost: int = 0  # by chance
    lost_empty: int = 0  # by chance, for being empty
    unplugged: int = 0  # lost because the line was unplugged, or in a black-out
    too_large: int = 0  # lost to `mtu`
    overflowed: int = 0  # lost because too much waited for the line
    corrupted: int = 0
    reordered: int = 0
    duplicated: int = 0


class Line:
    """One direction. Equal seeds and equal calls give equal results. `faults` may be changed at any time."""

    def __init__(self, seed: str, faults: Faults) -> None:
        self.faults = faults
        self.plugged = True
        self.counters = LineCounters()
        self._random = Random(seed)
        self._free = -math.inf  # when the line has sent what it has taken
        self._last = -math.inf  # when the latest frame that keeps the order arrives
        self._dark_until = -math.inf
        self._begun: set[Blackout] = set()  # those after so many octets

    def carry(self, frame: bytes, now: float) -> list[tuple[float, bytes]]:
        """Put a frame on the line; return when it arrives, and as what: nothing if it is lost."""
        faults, counters = self.faults, self.counters
        counters.carried += 1
        counters.octets += len(frame)
        if self._is_stopped(frame, now):
            return []
        if self._happens(faults.corrupt):
            counters.corrupted += 1
            frame = self._corrupt(frame)
        if faults.trailing:
            frame += self._random.randbytes(faults.trailing)
        moment = self._queue(len(frame), now)
        if moment is None:
            counters.overflowed += 1
            return []
        moment = max(moment + faults.delay + faults.jitter * self._draw(faults.jitter), self._last)
        if self._happens(faults.reorder):
            counters.reordered += 1
            moment += faults.reorder_delay
        else:
            self._last = moment
        if self._happens(faults.duplicate):
            counters.duplicated += 1
            return [(moment, frame), (moment, frame)]
        return [(moment, frame)]

    def is_dark(self, now: float) -> bool:
        """Say whether nothing passes at present: unplugged, or in a black-out."""
        for blackout in self.faults.blackouts:
            if blackout.at <= now < blackout.at + blackout.seconds:
                return True
            due = blackout.after_octets is not None and self.counters.octets > blackout.after_octets
            if due and blackout not in self._begun:
                self._begun.add(blackout)
                self._dark_until = max(self._dark_until, now + blackout.seconds)
        return not self.plugged or now < self._dark_until

    def _is_stopped(self, frame: bytes, now: float) -> bool:
        faults, counters = self.faults, self.counters
        if self.is_dark(now):
            counters.unplugged += 1
        elif faults.mtu is not None and len(frame) > faults.mtu + ETHERNET_HEADER:
            counters.too_large += 1
        elif self._happens(faults.loss):
            counters.lost += 1
        elif faults.loss_of_empty and is_empty_tcp(frame) and self._happens(faults.loss_of_empty):
            counters.lost_empty += 1
        else:
            return False
        return True

    def _queue(self, octets: int, now: float) -> float | None:
        """Return when the line has sent the frame; None if too much waits before it."""
        rate = self.faults.rate
        if rate == math.inf:
            return now
        start = max(now, self._free)
        if (start - now) * rate / 8 > self.faults.queue:
            return None
        self._free = start + octets * 8 / rate
        return self._free

    def _corrupt(self, frame: bytes) -> bytes:
        bit = int(self._random.random() * len(frame) * 8)
        spoiled = bytearray(frame)
        spoiled[bit >> 3] ^= 1 << (bit & 7)
        return bytes(spoiled)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _draw(self, wanted: float) -> float:
        return self._random.random() if wanted else 0.0


def is_empty_tcp(frame: bytes) -> bool:
    """Say whether a frame holds a TCP segment without payload, SYN, FIN and RST."""
    if len(frame) < IP + ipv4.HEADER_LENGTH + tcp.HEADER_LENGTH:
        return False
    if frame[12:14] == IPV4_TYPE and frame[IP + 9] == ipv4.TCP:
        start = IP + (frame[IP] & 0x0F) * 4
        end = IP + int.from_bytes(frame[IP + 2 : IP + 4], "big")
    elif frame[12:14] == IPV6_TYPE and frame[IP + 6] == ipv4.TCP:
        start = IP + IPV6_HEADER
        end = start + int.from_bytes(frame[IP + 4 : IP + 6], "big")
    else:
        return False
    if len(frame) < start + tcp.HEADER_LENGTH:
        return False
    return end == start + (frame[start + 12] >> 4) * 4 and not frame[start + 13] & CONTROL
