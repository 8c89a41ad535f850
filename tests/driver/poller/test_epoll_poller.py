"""The poller of a Linux process."""

import os

import pytest

from fata.device.poller import Interrupt, Poller, Software
from fata.driver.poller.epoll import EpollPoller
from fata.errors import DeviceError, StateError
from tests.conformance.poller import Calls, PollerContract
from tests.conformance.poller_descriptors import DescriptorContract


class TestEpollPoller(PollerContract, DescriptorContract):
    @staticmethod
    def make() -> Poller:
        return EpollPoller()

    def test_a_process_has_no_interrupts(self, poller: Poller, calls: Calls) -> None:
        with pytest.raises(DeviceError, match="interrupts"):
            poller.register(Interrupt(1), calls.of("never"))

    def test_software_sources_are_called_in_the_order_they_were_raised(self, poller: Poller, calls: Calls) -> None:
        sources = [Software(name) for name in "abcd"]
        for source in sources:
            poller.register(source, calls.of(source.label))
        for source in reversed(sources):
            poller.wake(source)
        assert poller.wait(None) == 4
        assert calls == list("dcba")

    def test_it_sleeps_until_the_deadline_once_it_has_told_everything(self, poller: Poller, calls: Calls) -> None:
        source = Software("s")
        poller.register(source, calls.of("s"))
        poller.wake(source)
        assert poller.wait(None) == 1
        deadline, waits = poller.monotonic() + 0.005, 0
        while poller.monotonic() < deadline:
            poller.wait(deadline)
            waits += 1
        assert waits < 5

    def test_a_closed_poller_is_of_no_use(self, poller: Poller, calls: Calls) -> None:
        poller.close()
        with pytest.raises(StateError, match="closed"):
            poller.wait(None)
        with pytest.raises(StateError, match="closed"):
            poller.register(Software("s"), calls.of("s"))

    def test_it_gives_its_descriptors_back(self) -> None:
        before = os.listdir("/proc/self/fd")
        poller = EpollPoller()
        assert len(os.listdir("/proc/self/fd")) == len(before) + 2
        poller.close()
        assert os.listdir("/proc/self/fd") == before
