"""The pytest plugin: devices and virtual time for the tests of an application.

pytest loads this wherever fata is installed, so that it imports nothing until a fixture is asked for, and
touches only tests that ask for a fixture or carry the marker.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from fata.driver.block.ramdisk import RamDisk
    from fata.driver.clock.virtual import VirtualClock
    from fata.driver.console.memory import MemoryConsole
    from fata.sim.network import Simulation
    from fata.stack.direct import DirectStack

T = TypeVar("T")
Drive = Callable[[Coroutine[Any, Any, T]], T]

MARKER = "virtual_time"
SEED_MARKER = "sim_seed"
DISK_SECTORS = 2048  # of 512 octets: 1 MiB


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", f"{MARKER}: an `async def` test, run in virtual time (see the fixture `drive`)")
    config.addinivalue_line("markers", f"{SEED_MARKER}(n): the seed of the fixture `sim`; it is 0 without")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give marked tests the fixture that runs them."""
    if isinstance(item, pytest.Function) and _is_ours(item) and "drive" not in item.fixturenames:
        item.fixturenames.append("drive")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Run a marked `async def` test; leave every other to pytest."""
    if not _is_ours(pyfuncitem):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    drive = cast("Drive[object]", pyfuncitem.funcargs["drive"])
    drive(pyfuncitem.obj(**arguments))
    return True


def _is_ours(item: pytest.Function) -> bool:
    return item.get_closest_marker(MARKER) is not None and iscoroutinefunction(item.obj)


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands still but for `advance` and for what `drive` lets pass; its date is unset."""
    from fata.driver.clock.virtual import VirtualClock

    return VirtualClock()


@pytest.fixture
def disk() -> RamDisk:
    """An empty disk of 1 MiB in memory."""
    from fata.driver.block.ramdisk import RamDisk

    return RamDisk(DISK_SECTORS)


@pytest.fixture
def console() -> MemoryConsole:
    """A console: `feed` it lines, look at `output`."""
    from fata.driver.console.memory import MemoryConsole

    return MemoryConsole()


@pytest.fixture
def sim(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Simulation]:
    """A network without hosts, whose time is `clock`. A marked test that asks for it runs inside of it."""
    from fata.sim.network import Simulation

    marker = request.node.get_closest_marker(SEED_MARKER)
    with Simulation(marker.args[0] if marker else 0, clock=clock) as made:
        yield made


@pytest.fixture
def stack(sim: Simulation) -> DirectStack:
    """TCP, UDP and names of a host called "host" in the network of `sim`."""
    return sim.host("host").stack


@pytest.fixture
def drive(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Drive[Any]]:
    """Run a coroutine to its end, in an event loop whose time is `clock`: an hour's sleep takes no time at all.

    With the fixtures `sim` and `stack` it is the simulation's loop.
    """
    if "sim" in request.fixturenames:
        simulation: Simulation = request.getfixturevalue("sim")
        yield simulation.run
        return

    from asyncio import Runner

    from fata.driver.poller.virtual import VirtualPoller
    from fata.runtime.loop import Loop

    with Runner(loop_factory=lambda: Loop(VirtualPoller(clock))) as runner:
        yield runner.run
