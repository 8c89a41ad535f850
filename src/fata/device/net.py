"""Net: Ethernet frames in and out, in lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from fata.device.protocol import Protocol

Buffer = bytes | bytearray | memoryview


class Checksum(Enum):
    """What a device says of a received frame's transport checksum."""

    UNKNOWN = "unknown"  # the receiver verifies it
    VERIFIED = "verified"  # the device has verified it
    PARTIAL = "partial"  # it holds only the pseudo-header's sum: the frame never left this host; not to be verified


class Segmentation(Enum):
    """How the device is to cut a large frame into segments (virtio 1.2, 5.1.6.2)."""

    NONE = "none"
    TCP4 = "tcp4"
    TCP6 = "tcp6"


class Capabilities(NamedTuple):
    """What a device does so that the stack need not."""

    receive_checksum: bool = False  # frames may come with VERIFIED or PARTIAL
    send_checksum: bool = False  # `SentFrame.checksum_start` is honoured
    send_segmentation: frozenset[Segmentation] = frozenset()  # kinds it cuts
    receive_segmentation: bool = False  # frames larger than the MTU may come, with `segment_size`


class ReceivedFrame(NamedTuple):
    """One frame from the wire, without its check sequence. `data` is immutable, so holding it is owning it."""

    data: bytes
    checksum: Checksum = Checksum.UNKNOWN
    segmentation: Segmentation = Segmentation.NONE
    segment_size: int = 0  # octets of payload a segment, when the device has joined several


class SentFrame(NamedTuple):
    """One frame for the wire: `buffers` are sent one after the other, with all headers in the first.

    With `checksum_start` ≥ 0 the device sums from there to the end and stores the result at
    `checksum_start + checksum_offset`, where the stack has put the folded pseudo-header sum.
    """

    buffers: Sequence[Buffer]
    checksum_start: int = -1  # octets from the frame's start
    checksum_offset: int = 0  # octets from checksum_start
    segmentation: Segmentation = Segmentation.NONE
    segment_size: int = 0  # octets of payload a segment
    header_length: int = 0  # octets of headers that every segment repeats


class Net(Protocol):
    """A network card.

    Frames of one direction keep their order. The buffers of a sent frame belong to the device until it is
    accepted; after that the caller may not change them either, for the device may still read them: they
    are given away.
    """

    @property
    def mac(self) -> bytes:
        """The card's address, 6 octets."""
        ...

    @property
    def mtu(self) -> int:
        """Octets of payload in a frame on the wire, without the Ethernet header; at least 576."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the device offloads."""
        ...

    def receive(self) -> list[ReceivedFrame]:
        """Return what has arrived, oldest first; [] if nothing has. Never waits. Bounded per call.

        Raises `DeviceError`, once, when the device has gone.
        """
        ...

    def send(self, frames: Sequence[SentFrame]) -> int:
        """Hand frames over; return how many, from the first, were accepted. The caller keeps the rest.

        Fewer than all means that the device is full: try again after `writable` has called.
        Raises `DeviceError` when the device has gone, `StateError` for a frame beyond its capabilities.
        """
        ...

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        """Say whom to call from `Poller.wait` when frames have arrived, and when a full device takes more.

        `readable` is called, sooner or later, for everything that has arrived and was not received: also for
        what was there before, and what the last `receive` left. Now and then it is called in vain. A second
        `watch` replaces the first.
        """
        ...

    async def close(self) -> None:
        """Give the card back. A second call does nothing; any other one is a `StateError` afterwards."""
        ...


class RawForm(NamedTuple):
    """How frames lie in a card's memory: behind a header of the card's own, such as virtio's."""

    header_length: int  # octets before a received frame; may be 0
    tcp_header: bytes | None  # before a sent IPv4 frame whose TCP checksum, at 34 + 16, the card completes, if it does


class RawNet(Net, Protocol):
    """A card that can also pass frames as they lie in its memory, one `bytes` each with no value around it.

    A stack that knows nearly all frames by their first octets saves a microsecond for each that it answers
    (`benchmarks.net_request`). Wrappers have only what `Net` has.
    """

    @property
    def raw(self) -> RawForm | None:
        """The form; None if the card, as it was set up, has none, so that `Net` is all there is."""
        ...

    def receive_raw(self) -> list[bytes]:
        """As `receive`."""
        ...

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        """Return what `receive` would have made of it; None where that drops the frame, and counts it."""
        ...

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        """As `send`. Frames of `bytes` begin with `raw.tcp_header` and fit the MTU."""
        ...
