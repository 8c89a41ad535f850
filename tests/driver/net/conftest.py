"""What the tests of cards with the kernel at the other end share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fata.device.poller import Poller
from fata.driver.poller.epoll import EpollPoller


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = EpollPoller()
    yield made
    made.close()
