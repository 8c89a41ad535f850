"""A Net over a Net that writes every frame, both ways, into a file for Wireshark or tcpdump (wire/pcap.py)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fata.errors import Unavailable
from fata.wire import pcap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.clock import Clock
    from fata.device.net import Buffer, Capabilities, Net, ReceivedFrame, SentFrame

FLUSH_INTERVAL = 1.0  # seconds that a frame waits, at most, until others are written
MICROSECONDS = 1_000_000  # a date as a float is no finer


class PcapFile:
    """A capture file, made new. A frame is kept up to `snap` octets.

    When the disk is full or fails the capture ends there, `failure` says why, and the program goes on.
    """

    def __init__(self, path: str, snap: int = pcap.SNAPSHOT_LENGTH) -> None:
        if not 0 < snap <= pcap.SNAPSHOT_LENGTH:
            raise Unavailable(f"{path}: a capture of {snap} octets a frame", f"Choose 1 to {pcap.SNAPSHOT_LENGTH}.")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}", "Name a file that can be written.") from error
        self.failure: OSError | None = None
        self._file = os.fdopen(descriptor, "wb")
        self._snap = snap
        self._flushed = 0.0
        self._file.write(pcap.serialize_header(nanoseconds=False))

    def write(self, moment: float, buffers: Sequence[Buffer]) -> None:
        """Add a frame that came at `moment`, seconds."""
        if self.failure is not None or self._file.closed:
            return
        octets = b"".join(buffers)
        time = round(moment * MICROSECONDS) * (pcap.SECOND // MICROSECONDS)
        record = pcap.Record(time, octets[: self._snap], len(octets))
        try:
            self._file.write(pcap.serialize_record(record, nanoseconds=False))
            if not 0 <= moment - self._flushed < FLUSH_INTERVAL:
                self._flushed = moment
                self._file.flush()
        except OSError as error:
            self.failure = error

    def flush(self) -> None:
        """Write what waits."""
        try:
            if self.failure is None and not self._file.closed:
                self._file.flush()
        except OSError as error:
            self.failure = error

    def close(self) -> None:
        """Write what waits and close the file. A second call does nothing."""
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error


class PcapNet:
    """`net`, recorded in `capture`: what was received, and what was accepted to be sent.

    Frames are written as they pass here: a large one that the device will cut is one record, and a checksum that
    the device will fill is wrong. The time is the clock's date, or its seconds if it has none.
    """

    def __init__(self, net: Net, capture: PcapFile, clock: Clock) -> None:
        self._net = net
        self._capture = capture
        self._clock = clock

    @property
    def mac(self) -> bytes:
        return self._net.mac

    @property
    def mtu(self) -> int:
        return self._net.mtu

    @property
    def capabilities(self) -> Capabilities:
        return self._net.capabilities

    @property
    def counters(self) -> object:
        """What the recorded card has counted; None if it does not count."""
        return getattr(self._net, "counters", None)

    def _now(self) -> float:
        wall = self._clock.wall()
        return self._clock.monotonic() if wall is None else wall

    def receive(self) -> list[ReceivedFrame]:
        frames = self._net.receive()
        if frames:
            now = self._now()
            for frame in frames:
                self._capture.write(now, (frame.data,))
        return frames

    def send(self, frames: Sequence[SentFrame]) -> int:
        accepted = self._net.send(frames)
        now = self._now()
        for frame in frames[:accepted]:
            self._capture.write(now, frame.buffers)
        return accepted

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._net.watch(readable, writable)

    async def close(self) -> None:
        self._capture.close()
        await self._net.close()
