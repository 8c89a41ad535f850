"""The poller of a machine without an operating system, over a machine made of a lock."""

from __future__ import annotations

import os
import threading
import time

import pytest

from fata.device.poller import Interrupt, Poller, Readable, Software
from fata.driver.poller.hardware import HardwarePoller
from fata.errors import DeviceError, StateError
from tests.conformance.poller import Calls, PollerContract

WAKE = 1 << 63
SLICE = 0.002  # seconds: Python's signal handlers run between two of them


class ModelEvents:
    """What the kernel keeps: events that were raised, each told once."""

    DEVICE_EVENTS = 62

    def __init__(self) -> None:
        self._raised = 0
        self._changed = threading.Condition(threading.RLock())

    def interrupt(self, number: int) -> None:
        with self._changed:
            self._raised |= 1 << number
            self._changed.notify()

    def wait(self, deadline: int) -> int:
        with self._changed:
            while not self._raised and (left := deadline - time.monotonic_ns()) > 0:
                self._changed.wait(min(left / 1e9, SLICE))
            happened, self._raised = self._raised, 0
            return happened

    def wake(self) -> None:
        self.interrupt(63)


class TestHardwarePoller(PollerContract):
    @staticmethod
    def make() -> Poller:
        return HardwarePoller(ModelEvents())

    @pytest.fixture
    def events(self) -> ModelEvents:
        return ModelEvents()

    def test_interrupts_are_called_once_each(self, events: ModelEvents, calls: Calls) -> None:
        poller = HardwarePoller(events)
        poller.register(Interrupt(0), calls.of("first"))
        poller.register(Interrupt(61), calls.of("last"))
        for _ in range(3):
            events.interrupt(61)
        events.interrupt(0)
        events.interrupt(5)  # nobody's
        assert poller.wait(None) == 2
        assert calls == ["first", "last"]
        assert self.look(poller) == 0
        poller.unregister(Interrupt(0))
        events.interrupt(0)
        assert self.look(poller) == 0

    def test_an_interrupt_behind_an_exception_is_called_by_the_next_wait(
        self, events: ModelEvents, calls: Calls
    ) -> None:
        poller = HardwarePoller(events)

        def fail() -> None:
            raise RuntimeError("the first one's")

        poller.register(Interrupt(1), fail)
        poller.register(Interrupt(2), calls.of("second"))
        events.interrupt(1)
        events.interrupt(2)
        with pytest.raises(RuntimeError):
            poller.wait(None)
        assert poller.wait(None) == 1
        assert calls == ["second"]

    def test_an_interrupt_from_outside_ends_the_wait(self, events: ModelEvents, calls: Calls) -> None:
        poller = HardwarePoller(events)
        poller.register(Interrupt(7), calls.of("seventh"))
        thread = threading.Thread(target=events.interrupt, args=(7,))
        thread.start()
        while not poller.wait(None):
            pass
        thread.join()
        assert calls == ["seventh"]

    @pytest.mark.parametrize("source", [Interrupt(62), Interrupt(-1), Readable(77)])
    def test_a_machine_has_no_other_sources(self, poller: Poller, source: Interrupt | Readable, calls: Calls) -> None:
        with pytest.raises(DeviceError):
            poller.register(source, calls.of("never"))
        with pytest.raises(StateError):
            poller.unregister(source)

    def test_standard_input_is_called_while_there_is_some(self, calls: Calls) -> None:
        reading, writing = os.pipe()
        before = os.dup(0)
        os.dup2(reading, 0)
        try:
            poller = self.make()
            poller.register(Readable(0), calls.of("input"))
            assert self.look(poller) == 0
            os.write(writing, b"line\n")
            assert (poller.wait(None), poller.wait(None)) == (1, 1)
            os.read(0, 100)
            assert self.look(poller) == 0
            poller.unregister(Readable(0))
            os.write(writing, b"line\n")
            assert self.look(poller) == 0
        finally:
            os.dup2(before, 0)
            for descriptor in (reading, writing, before):
                os.close(descriptor)

    def test_a_closed_poller_is_of_no_use(self, poller: Poller) -> None:
        poller.close()
        with pytest.raises(StateError, match="closed"):
            poller.wait(None)
        with pytest.raises(StateError, match="closed"):
            poller.register(Software("s"), lambda: None)
