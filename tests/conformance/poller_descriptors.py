"""What a Poller promises of descriptors. A driver's test subclasses this beside `PollerContract`."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator

import pytest

from fata.device.poller import Poller, Readable, Writable
from fata.errors import DeviceError, StateError
from tests.conformance.poller import Calls


class DescriptorContract:
    """Descriptors, for the pollers that watch them."""

    @pytest.fixture
    def pair(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            yield ours, theirs

    def test_a_descriptor_is_called_as_long_as_it_is_ready(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        ours, theirs = pair
        poller.register(Readable(ours.fileno()), calls.of("read"))
        assert poller.wait(poller.monotonic()) == 0
        theirs.send(b"xy")
        assert poller.wait(None) == 1
        ours.recv(1)
        assert poller.wait(None) == 1
        ours.recv(1)
        assert poller.wait(poller.monotonic()) == 0

    def test_reading_and_writing_are_two_sources(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        ours, theirs = pair
        poller.register(Writable(ours.fileno()), calls.of("write"))
        poller.register(Readable(ours.fileno()), calls.of("read"))
        assert poller.wait(None) == 1
        theirs.send(b"x")
        assert poller.wait(None) == 2
        poller.unregister(Writable(ours.fileno()))
        assert poller.wait(None) == 1
        assert sorted(calls) == ["read", "read", "write", "write"]
        poller.unregister(Readable(ours.fileno()))
        assert poller.wait(poller.monotonic()) == 0

    def test_the_end_is_something_to_read_and_a_failure_something_to_write(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        ours, theirs = pair
        while True:
            try:
                ours.send(b"x" * 65536)
            except BlockingIOError:
                break
        poller.register(Writable(ours.fileno()), calls.of("write"))
        poller.register(Readable(ours.fileno()), calls.of("read"))
        assert poller.wait(poller.monotonic()) == 0
        theirs.close()
        poller.wait(None)
        assert sorted(calls) == ["read", "write"]

    def test_a_pipe_whose_other_end_is_closed_is_ready(self, poller: Poller, calls: Calls) -> None:
        """There is nothing to read then and no room to write, only an end and a failure."""
        (from_nobody, closed_writer), (closed_reader, full) = os.pipe(), os.pipe()
        os.set_blocking(full, False)
        while True:
            try:
                os.write(full, bytes(4096))
            except BlockingIOError:
                break
        poller.register(Readable(from_nobody), calls.of("ended"))
        poller.register(Writable(full), calls.of("failed"))
        assert poller.wait(poller.monotonic()) == 0
        os.close(closed_writer)
        os.close(closed_reader)
        assert poller.wait(None) == 2
        assert sorted(calls) == ["ended", "failed"]
        os.close(from_nobody)
        os.close(full)

    def test_a_descriptor_is_registered_and_unregistered_once(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        source = Readable(pair[0].fileno())
        poller.register(source, calls.of("read"))
        with pytest.raises(StateError):
            poller.register(source, calls.of("again"))
        poller.unregister(source)
        with pytest.raises(StateError):
            poller.unregister(source)
        poller.register(source, calls.of("once more"))

    def test_a_descriptor_may_be_closed_before_it_is_unregistered(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        source = Readable(pair[0].fileno())
        poller.register(source, calls.of("read"))
        pair[0].close()
        poller.unregister(source)
        assert poller.wait(poller.monotonic()) == 0

    def test_what_cannot_be_watched_is_refused_and_not_remembered(self, poller: Poller, calls: Calls) -> None:
        with tempfile.TemporaryFile() as file:
            for source in (Readable(file.fileno()), Writable(file.fileno()), Readable(-1)):
                with pytest.raises(DeviceError):
                    poller.register(source, calls.of("never"))
                with pytest.raises(StateError):
                    poller.unregister(source)

    def test_a_number_that_is_used_again_is_another_descriptor(self, poller: Poller, calls: Calls) -> None:
        """A callback closes the other descriptor, which is ready as well, and opens one of the same number."""
        pipes = [os.pipe(), os.pipe()]
        fresh: list[int] = []

        def reopen(mine: int, other: int) -> Callable[[], None]:
            def callback() -> None:
                calls.append("old")
                poller.unregister(Readable(mine))
                poller.unregister(Readable(other))
                os.close(other)
                reading, writing = os.pipe()
                assert reading == other
                fresh.extend((reading, writing))
                poller.register(Readable(reading), calls.of("new"))

            return callback

        (one, to_one), (two, to_two) = pipes
        poller.register(Readable(one), reopen(one, two))
        poller.register(Readable(two), reopen(two, one))
        os.write(to_one, b"x")
        os.write(to_two, b"x")
        assert poller.wait(None) == 1
        assert poller.wait(poller.monotonic()) == 0
        assert calls == ["old"]
        for descriptor in {one, to_one, two, to_two, *fresh}:
            os.close(descriptor)

    def test_an_exception_of_one_descriptor_does_not_silence_the_other(
        self, poller: Poller, calls: Calls, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        def fail() -> None:
            calls.append("failed")
            poller.unregister(Writable(ours.fileno()))
            raise KeyError("x")

        ours, theirs = pair
        poller.register(Writable(ours.fileno()), fail)
        poller.register(Readable(ours.fileno()), calls.of("read"))
        theirs.send(b"x")
        with pytest.raises(KeyError):
            poller.wait(None)
        poller.wait(None)
        assert {"failed", "read"} <= set(calls)
