"""Descriptors on the event loop."""

import asyncio
import io
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fata.errors import DeviceError
from fata.runtime.loop import Loop


def in_turn(*steps: Callable[[], object]) -> Callable[[], None]:
    """One callback that takes several steps."""

    def callback() -> None:
        for step in steps:
            step()

    return callback


def note(seen: list[str], word: str) -> Callable[[], None]:
    return lambda: seen.append(word)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_a_stream_can_be_fed_from_a_descriptor(epoll: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    sent = bytes(range(256)) * 4096

    async def main() -> bytes:
        reader = asyncio.StreamReader()
        waiting = memoryview(sent)

        def receive() -> None:
            octets = ours.recv(65536)
            if octets:
                reader.feed_data(octets)
            else:
                reader.feed_eof()
                assert epoll.remove_reader(ours)

        def send() -> None:
            nonlocal waiting
            waiting = waiting[theirs.send(waiting) :]
            if not waiting:
                assert epoll.remove_writer(theirs)
                theirs.shutdown(socket.SHUT_WR)

        epoll.add_reader(ours, receive)
        epoll.add_writer(theirs.fileno(), send)
        return await reader.read()

    assert epoll.run_until_complete(main()) == sent


def test_one_descriptor_is_read_and_written(epoll: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[str] = []
    epoll.add_writer(ours, in_turn(note(seen, "write"), lambda: epoll.remove_writer(ours), lambda: theirs.send(b"x")))
    epoll.add_reader(ours, in_turn(note(seen, "read"), lambda: ours.recv(1), epoll.stop))
    epoll.run_forever()
    assert seen == ["write", "read"]
    assert epoll.remove_reader(ours)
    assert not epoll.remove_reader(ours)
    assert not epoll.remove_writer(ours)


def test_a_second_callback_replaces_the_first(epoll: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[str] = []
    epoll.add_reader(ours, seen.append, "first")
    epoll.add_reader(ours, in_turn(note(seen, "second"), epoll.stop))
    theirs.send(b"x")
    epoll.run_forever()
    assert seen == ["second"]


def test_a_callback_that_is_replaced_in_the_same_turn_does_not_run(
    epoll: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    seen: list[str] = []

    def replace(other: socket.socket) -> Callable[[], None]:
        return in_turn(note(seen, "first"), lambda: epoll.add_reader(other, in_turn(note(seen, "new"), epoll.stop)))

    epoll.add_reader(ours, replace(theirs))
    epoll.add_reader(theirs, replace(ours))
    ours.send(b"x")
    theirs.send(b"x")
    epoll.call_soon(epoll.stop)  # after this turn
    epoll.run_forever()
    assert seen == ["first"]


def test_a_callback_that_is_removed_in_the_same_turn_does_not_run(
    epoll: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    seen: list[str] = []
    epoll.add_reader(ours, in_turn(note(seen, "ours"), lambda: epoll.remove_reader(theirs), epoll.stop))
    epoll.add_reader(theirs, in_turn(note(seen, "theirs"), lambda: epoll.remove_reader(ours), epoll.stop))
    ours.send(b"x")
    theirs.send(b"x")
    epoll.run_forever()
    assert len(seen) == 1


def test_a_failing_callback_is_called_again_as_long_as_there_is_something_to_read(
    epoll: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    contexts: list[dict[str, Any]] = []
    epoll.set_exception_handler(lambda _, context: contexts.append(context))

    def fail() -> None:
        if len(contexts) == 2:
            epoll.stop()
        raise KeyError("x")

    epoll.add_reader(ours, fail)
    theirs.send(b"x")
    epoll.run_forever()
    assert len(contexts) == 3


def test_a_descriptor_that_cannot_be_watched_is_refused(loop: Loop, tmp_path: Any) -> None:
    with (tmp_path / "file").open("w+b") as file, pytest.raises(DeviceError):
        loop.add_reader(file, print)
    with pytest.raises((AttributeError, TypeError, io.UnsupportedOperation)):
        loop.add_reader(object(), print)  # type: ignore[arg-type]
    assert not loop.remove_reader(99)
