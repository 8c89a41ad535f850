"""Block: sectors that can be read, written and made durable."""

from __future__ import annotations

from fata.device.protocol import Protocol

Buffer = bytes | bytearray | memoryview


class Block(Protocol):
    """A disk: `sectors` sectors of `sector_size` octets each, numbered from 0.

    **Ordering.** Two operations that overlap in time may take effect in either order. A write that has
    returned is seen by every read that starts later.

    **Durability.** A write that has returned may still be lost by a power cut, alone or together with
    others in any combination, and it may tear between (never inside) sectors. When `flush` returns,
    every write that had returned before `flush` was called is durable.

    **Errors.** A range outside the device, data that is no whole number of sectors, or a write to a
    read-only device is a `StateError`, and nothing has been transferred. A failure of the medium is a
    `DeviceError`; after a failed write its sectors may hold the old or the new octets, each whole.

    **Cancellation.** A cancelled write may have taken effect in part, sector by sector; the device stays
    usable.
    """

    @property
    def sector_size(self) -> int:
        """Octets in a sector: a power of two, 512 to 4096."""
        ...

    @property
    def sectors(self) -> int:
        """Sectors on the device."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether `write` and `discard` are refused."""
        ...

    async def read(self, sector: int, count: int) -> bytes:
        """Return `count` sectors from `sector` on, as a copy that the caller owns. `count` may be 0."""
        ...

    async def write(self, sector: int, data: Buffer) -> None:
        """Write whole sectors from `sector` on. The caller may change `data` once this has returned."""
        ...

    async def flush(self) -> None:
        """Make every write that has returned durable. On a read-only device: does nothing."""
        ...

    async def discard(self, sector: int, count: int) -> None:
        """Tell the device that these sectors' contents do not matter any more.

        Until they are written again, reads of them return either the old octets or zeros. A device
        without such an operation does nothing.
        """
        ...

    async def close(self) -> None:
        """Give the device back. Does not flush. A second call does nothing; other calls then raise `StateError`."""
        ...
