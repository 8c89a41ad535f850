"""Event loops, and programs of devices."""

from collections.abc import Iterator

import pytest

from fata.driver.poller.epoll import EpollPoller
from fata.driver.poller.virtual import VirtualPoller
from fata.runtime.devices import Devices
from fata.runtime.loop import Loop


@pytest.fixture(params=[EpollPoller, VirtualPoller], ids=["epoll", "virtual"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    """A loop over each poller, one after the other."""
    made = Loop(request.param())
    yield made
    if not made.is_closed():
        made.run_until_complete(made.shutdown_asyncgens())
        made.run_until_complete(made.shutdown_default_executor())
    made.close()


@pytest.fixture
def epoll() -> Iterator[Loop]:
    """A loop for what needs descriptors."""
    made = Loop(EpollPoller())
    yield made
    made.close()


@pytest.fixture
def virtual() -> Iterator[Loop]:
    """A loop in virtual time."""
    made = Loop(VirtualPoller())
    yield made
    made.close()


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def devices(reported: list[str]) -> Devices:
    return Devices(lambda what, error: reported.append(f"{what}: {error!r}"))
