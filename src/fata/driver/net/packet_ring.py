"""The rings of a packet socket: slots of memory shared with the kernel. A list of frames is one system call, or none.

    slot:  status 4 | length 4 | captured 4 | mac 2 | net 2 | seconds 4 | nanoseconds 4 | vlan 4 | padding 4 | frame

This is TPACKET_V2 (linux/if_packet.h), in the machine's byte order. A received frame begins at `mac`, virtio's header
before it; one to be sent begins behind the slot's own header, virtio's header first. A slot belongs to the kernel or to
us, by its status. Both sides go through the slots in their order.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from fata.driver.net.vnet_header import HEADER_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from mmap import mmap

    from fata.driver.net.vnet_header import Octets

BLOCK = 1 << 20  # octets
SLOT = 2048  # octets: a frame of an MTU of 1,500, both headers, and what the kernel keeps free before it
RECEIVE_SLOTS, SEND_SLOTS = 4096, 512
SLOT_HEADER = 32  # octets before a frame that is to be sent
FITS = 1792  # octets of a frame that is sent through a slot

# Statuses of a slot: whose it is.
KERNELS, OURS, COPIED = 0, 1, 2  # when receiving; COPIED: it was too large, and waits in the socket's queue
AVAILABLE, TO_SEND, UNDER_WAY, REFUSED = 0, 1, 2, 4  # when sending

read_slot = struct.Struct("=IIIH").unpack_from
write_slot = struct.Struct("=II").pack_into
write_length = struct.Struct("=H").pack_into


def request(slots: int) -> bytes:
    """Return what the kernel is asked for (struct tpacket_req)."""
    return struct.pack("=IIII", BLOCK, slots * SLOT // BLOCK, SLOT, slots)


class ReceiveRing:
    """The kernel fills slots. What it has given to us is copied out and given back at once.

    `read` fetches a frame that was too large for a slot.
    """

    def __init__(self, memory: mmap, read: Callable[[], bytes]) -> None:
        self._memory = memory
        self._words = memoryview(memory).cast("I")
        self._read = read
        self._next = 0  # octets

    def take(self, most: int) -> list[bytes]:
        """Return up to so many frames, with virtio's header before each; one that was cut is empty."""
        memory, words, slot, end = self._memory, self._words, self._next, RECEIVE_SLOTS * SLOT
        frames: list[bytes] = []
        for _ in range(most):
            status, length, captured, mac = read_slot(memory, slot)
            if not status & OURS:
                break
            if captured == length:
                begin = slot + mac
                frames.append(memory[begin - HEADER_LENGTH : begin + length])
            else:
                frames.append(self._read() if status & COPIED else b"")
            words[slot >> 2] = KERNELS
            slot += SLOT
            if slot == end:
                slot = 0
        self._next = slot
        return frames

    def close(self) -> None:
        """Let the memory go."""
        self._words.release()
        self._memory.close()


class SendRing:
    """Slots to be sent. The kernel looks at them during a call of `send` on the socket only."""

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        self._words = memoryview(memory).cast("I")
        self._next = 0  # of the slots

    def put(self, frames: Sequence[Octets], first: int) -> int:
        """Place frames from `first` on, each with virtio's header before it, up to one that is too large for a slot.

        Return for how many there was room.
        """
        memory, words, at, place = self._memory, self._words, self._next, first
        while place < len(frames):
            octets = frames[place]
            slot = at * SLOT
            if not isinstance(octets, bytes) or len(octets) > FITS or words[slot >> 2] != AVAILABLE:
                break
            length = len(octets)
            begin = slot + SLOT_HEADER
            memory[begin : begin + length] = octets
            # All of it counts as header: that is copied, where the kernel would send a payload out of the ring's pages.
            write_length(memory, begin + 2, length - HEADER_LENGTH)
            write_slot(memory, slot, TO_SEND, length)
            at = (at + 1) % SEND_SLOTS
            place += 1
        self._next = at
        return place - first

    def waits(self) -> bool:
        """Say whether the kernel has not taken all that was placed."""
        return self._words[(self._next - 1) % SEND_SLOTS * SLOT >> 2] in (TO_SEND, REFUSED)

    def withdraw(self) -> int:
        """Take back what the kernel has not taken; return how many frames that are."""
        count = 0
        while self.waits() and count < SEND_SLOTS:
            self._next = (self._next - 1) % SEND_SLOTS
            self._words[self._next * SLOT >> 2] = AVAILABLE
            count += 1
        return count

    def close(self) -> None:
        """Let the memory go."""
        self._words.release()
        self._memory.close()
