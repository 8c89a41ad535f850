"""What every Poller promises (`fata.device.poller`). A driver's test subclasses these and brings `poller`."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.device.poller import Poller, Software
from fata.errors import StateError

# One step of a program that uses a poller: what it does, and to which of three sources.
STEPS = st.lists(st.tuples(st.sampled_from(["register", "unregister", "wake", "wait"]), st.integers(0, 2)), max_size=30)


class Calls(list[str]):
    """The names of the callbacks that were called, in order."""

    def of(self, name: str) -> Callable[[], None]:
        return lambda: self.append(name)


class PollerContract:
    """Software sources and deadlines: what a Poller has on every target."""

    @pytest.fixture
    def poller(self) -> Iterator[Poller]:
        made = self.make()
        yield made
        made.close()

    @pytest.fixture
    def calls(self) -> Calls:
        return Calls()

    @staticmethod
    def make() -> Poller:
        raise NotImplementedError

    @staticmethod
    def outside(poller: Poller) -> AbstractContextManager[None]:
        """Return a context in which something outside the program may wake it."""
        return nullcontext()

    def look(self, poller: Poller) -> int:
        return poller.wait(poller.monotonic())

    def look_at_all(self, poller: Poller) -> None:
        while self.look(poller):
            pass

    def test_a_source_that_was_raised_is_called_once(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        assert self.look(poller) == 0
        poller.wake(source)
        assert poller.wait(None) == 1
        assert self.look(poller) == 0
        assert calls == ["s"]

    def test_raised_many_times_it_is_called_once(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        for _ in range(5):
            poller.wake(source)
        assert (self.look(poller), self.look(poller)) == (1, 0)
        poller.wake(source)
        assert self.look(poller) == 1

    def test_raised_by_its_own_callback_it_is_called_by_the_next_wait(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")

        def again() -> None:
            calls.append("s")
            if len(calls) < 3:
                poller.wake(source)

        poller.register(source, again)
        poller.wake(source)
        assert [self.look(poller) for _ in range(4)] == [1, 1, 1, 0]

    def test_sources_are_told_apart_by_identity(self, poller: Poller, calls: Calls) -> None:
        one, other = Software("same"), Software("same")
        poller.register(one, calls.of("one"))
        poller.register(other, calls.of("other"))
        poller.wake(other)
        assert self.look(poller) == 1
        assert calls == ["other"]

    def test_a_source_is_registered_once(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("first"))
        with pytest.raises(StateError):
            poller.register(source, calls.of("second"))
        poller.wake(source)
        assert self.look(poller) == 1
        assert calls == ["first"]

    def test_a_source_is_unregistered_once(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        with pytest.raises(StateError):
            poller.unregister(source)
        poller.register(source, calls.of("s"))
        poller.unregister(source)
        with pytest.raises(StateError):
            poller.unregister(source)

    def test_an_unregistered_source_is_not_called(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        poller.wake(source)
        poller.unregister(source)
        assert self.look(poller) == 0

    def test_waking_a_source_that_is_gone_or_never_was_is_ignored(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.wake(source)
        assert self.look(poller) == 0
        poller.register(source, calls.of("s"))
        poller.unregister(source)
        poller.wake(source)
        assert self.look(poller) == 0
        poller.close()
        poller.wake(source)
        assert calls == []

    def test_a_callback_may_unregister_its_own_source(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")

        def once() -> None:
            calls.append("s")
            poller.unregister(source)

        poller.register(source, once)
        poller.wake(source)
        assert self.look(poller) == 1
        poller.wake(source)
        assert self.look(poller) == 0

    def test_a_callback_may_unregister_another_source_that_is_ready(self, poller: Poller, calls: Calls) -> None:
        sources = {name: Software(name) for name in ("a", "b", "c")}

        def only_me(name: str) -> Callable[[], None]:
            def callback() -> None:
                calls.append(name)
                for other in set(sources) - {name}:
                    poller.unregister(sources[other])

            return callback

        for name, source in sources.items():
            poller.register(source, only_me(name))
            poller.wake(source)
        assert self.look(poller) == 1
        assert self.look(poller) == 0
        assert len(calls) == 1

    def test_a_callback_may_register_another_source(self, poller: Poller, calls: Calls) -> None:
        first, second = Software("first"), Software("second")

        def introduce() -> None:
            calls.append("first")
            poller.register(second, calls.of("second"))
            poller.wake(second)

        poller.register(first, introduce)
        poller.wake(first)
        self.look_at_all(poller)
        assert calls == ["first", "second"]

    def test_an_exception_leaves_and_the_rest_is_called_by_the_next_wait(self, poller: Poller, calls: Calls) -> None:
        def fail() -> None:
            calls.append("failed")
            raise KeyError("x")

        for name in ("a", "b", "c", "d"):
            source = Software(name)
            poller.register(source, fail if name in "bc" else calls.of(name))
            poller.wake(source)
        for _ in range(2):
            with pytest.raises(KeyError):
                self.look_at_all(poller)
        self.look_at_all(poller)
        assert sorted(calls) == ["a", "d", "failed", "failed"]

    def test_what_an_exception_has_left_behind_is_not_waited_for(self, poller: Poller, calls: Calls) -> None:
        def fail() -> None:
            raise KeyError("x")

        for name in ("fails", "a"):
            source = Software(name)
            poller.register(source, fail if name == "fails" else calls.of(name))
            poller.wake(source)
        with pytest.raises(KeyError):
            self.look_at_all(poller)
        late = poller.monotonic() + 5
        if not calls:
            assert poller.wait(late) == 1
        assert poller.monotonic() < late

    def test_a_deadline_ends_the_wait(self, poller: Poller, calls: Calls) -> None:
        poller.register(Software("never"), calls.of("never"))
        deadline = poller.monotonic() + 0.005
        while poller.monotonic() < deadline:
            assert poller.wait(deadline) == 0
        assert calls == []

    def test_a_deadline_that_has_passed_only_looks(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        past = poller.monotonic() - 10
        assert poller.wait(past) == 0
        poller.wake(source)
        assert poller.wait(past) == 1

    def test_its_clock_does_not_go_back(self, poller: Poller, calls: Calls) -> None:
        moments = [poller.monotonic()]
        for step in (0.001, 0, -5, 0.001):
            poller.wait(poller.monotonic() + step)
            moments.append(poller.monotonic())
        assert moments == sorted(moments)

    def test_a_thread_ends_the_wait(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        thread = threading.Thread(target=poller.wake, args=(source,))
        with self.outside(poller):
            thread.start()
            while not calls:
                poller.wait(None)
        thread.join()

    def test_nothing_that_threads_say_is_lost(self, poller: Poller) -> None:
        count, workers = 500, 4
        said: deque[int] = deque()
        heard: list[int] = []
        source = Software("s")

        def listen() -> None:
            while said:
                heard.append(said.popleft())

        def speak() -> None:
            for number in range(count):
                said.append(number)
                poller.wake(source)

        poller.register(source, listen)
        threads = [threading.Thread(target=speak) for _ in range(workers)]
        with self.outside(poller):
            for thread in threads:
                thread.start()
            while len(heard) < count * workers:
                poller.wait(None)
        for thread in threads:
            thread.join()

    def test_a_signal_handler_ends_the_wait(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        before = signal.signal(signal.SIGALRM, lambda *_: poller.wake(source))
        try:
            with self.outside(poller):
                signal.setitimer(signal.ITIMER_REAL, 0.005)
                while not calls:
                    poller.wait(None)
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_it_closes_twice(self, poller: Poller) -> None:
        poller.close()
        poller.close()

    def test_any_order_of_calls_is_told_truly(self) -> None:
        given(STEPS)(self.play)()

    def play(self, steps: list[tuple[str, int]]) -> None:
        """Do as `steps` say, and compare with what must come of it."""
        poller = self.make()
        sources = [Software(str(number)) for number in range(3)]
        registered: set[int] = set()
        raised: set[int] = set()
        called: set[int] = set()
        for step, number in steps:
            source = sources[number]
            if step == "wake":
                poller.wake(source)
                raised |= {number} & registered
            elif step == "wait":
                called.clear()
                assert self.look(poller) == len(raised)
                assert called == raised
                raised.clear()
            elif (step == "register") == (number in registered):
                with pytest.raises(StateError):
                    self.change(poller, step, source, lambda: None)
            else:
                self.change(poller, step, source, lambda number=number: called.add(number))  # type: ignore[misc]
                registered ^= {number}
                raised -= {number}
        poller.close()

    @staticmethod
    def change(poller: Poller, step: str, source: Software, callback: Callable[[], None]) -> None:
        if step == "register":
            poller.register(source, callback)
        else:
            poller.unregister(source)
