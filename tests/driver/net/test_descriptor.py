"""A card behind a descriptor, with a pair of local sockets in a card's place: those do fill up."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fata.device.net import ReceivedFrame
from fata.driver.net.allocator import keep_freed
from fata.driver.net.descriptor import MAX_BUFFERS, Descriptor
from fata.driver.poller.epoll import EpollPoller
from fata.errors import DeviceError, StateError, WireError


@pytest.fixture
def poller() -> Iterator[EpollPoller]:
    poller = EpollPoller()
    yield poller
    poller.close()


class Pair:
    """A descriptor and its far end."""

    def __init__(self, poller: EpollPoller) -> None:
        near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        near.setblocking(False)
        self.far.setblocking(False)
        self.exists = True
        self.descriptor = Descriptor(poller, near.detach(), "card", lambda _number: self.exists)

    def fill(self) -> int:
        """Write until there is no room; return how often."""
        count = 0
        while self.descriptor.send([(bytes(1000),)]):
            count += 1
        return count

    def drain(self, count: int) -> None:
        for _ in range(count):
            self.far.recv(2000)


@pytest.fixture
def pair(poller: EpollPoller) -> Iterator[Pair]:
    made = Pair(poller)
    yield made
    made.descriptor.close()
    made.far.close()


def look(poller: EpollPoller) -> int:
    return poller.wait(poller.monotonic())


@pytest.mark.parametrize("watched_before", [True, False])
def test_who_found_no_room_is_told_once_when_there_is(poller: EpollPoller, pair: Pair, watched_before: bool) -> None:
    room: list[int] = []

    def watch() -> None:
        pair.descriptor.watch(lambda: None, lambda: room.append(1))

    if watched_before:
        watch()
    count = pair.fill()
    assert count > 1
    assert not pair.descriptor.send([(bytes(1000),)])
    if not watched_before:
        watch()
    assert look(poller) == 0
    pair.drain(count)
    assert look(poller) == 1
    assert look(poller) == 0
    assert room == [1]
    assert pair.descriptor.send([(bytes(1000),)])


def test_with_room_nobody_is_called(poller: EpollPoller, pair: Pair) -> None:
    pair.descriptor.watch(lambda: None, lambda: pytest.fail("nobody waits for room"))
    assert pair.descriptor.send([(b"x",)])
    assert look(poller) == 0


def test_more_buffers_than_the_kernel_takes_go_as_one(pair: Pair) -> None:
    assert pair.descriptor.send([[b"x"] * (MAX_BUFFERS + 1)])
    assert pair.far.recv(2000) == b"x" * (MAX_BUFFERS + 1)


def test_what_cannot_be_parsed_is_counted(pair: Pair) -> None:
    def parse(octets: bytes) -> ReceivedFrame:
        if octets == b"bad":
            raise WireError("bad")
        return ReceivedFrame(octets)

    for octets in (b"one", b"bad", b"two"):
        pair.far.send(octets)
    assert [frame.data for frame in pair.descriptor.receive(parse)] == [b"one", b"two"]
    assert pair.descriptor.counters.malformed == 1


def test_lost_while_somebody_waits_for_room_it_is_watched_no_more(poller: EpollPoller, pair: Pair) -> None:
    pair.descriptor.watch(lambda: pytest.fail("called"), lambda: pytest.fail("called"))
    pair.fill()
    pair.exists = False
    pair.far.close()
    with pytest.raises(DeviceError, match="card: the interface has been removed"):
        pair.descriptor.send([(b"x",)])
    assert look(poller) == 0
    pair.descriptor.watch(lambda: pytest.fail("called"), lambda: pytest.fail("called"))
    assert look(poller) == 0


def test_closed_while_somebody_waits_for_room(poller: EpollPoller, pair: Pair) -> None:
    pair.descriptor.watch(lambda: None, lambda: pytest.fail("called"))
    count = pair.fill()
    pair.descriptor.close()
    pair.drain(count)
    assert look(poller) == 0
    with pytest.raises(StateError):
        pair.descriptor.send([(b"x",)])


def test_glibc_keeps_memory_when_it_is_told_to() -> None:
    assert keep_freed() is True
