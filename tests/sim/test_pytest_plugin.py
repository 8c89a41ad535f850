"""The plugin, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import asyncio
import pytest

@pytest.mark.virtual_time
async def test_an_hour(clock):
    await asyncio.sleep(3600)
    assert clock.monotonic() == 3600

@pytest.mark.virtual_time
@pytest.mark.parametrize("sector", [0, 2047])
async def test_devices(disk, console, sector):
    await disk.write(sector, b"x" * 512)
    assert await disk.read(sector, 1) == b"x" * 512
    assert disk.sectors * disk.sector_size == 1 << 20
    console.feed("typed\\n")
    console.write(await console.read_line() + "!")
    assert console.output == "typed!"

@pytest.mark.virtual_time
class TestGroup:
    async def test_in_a_class(self, drive):
        pass

    def test_plain(self):
        pass

def test_driven(drive, clock):
    async def late():
        await asyncio.sleep(5)
        return clock.monotonic()
    assert drive(late()) == 5
    assert drive(late()) == 10

@pytest.mark.virtual_time
@pytest.mark.xfail(strict=True, raises=AssertionError)
async def test_that_fails():
    await asyncio.sleep(1)
    assert False

@pytest.mark.virtual_time
@pytest.mark.xfail(strict=True)
async def test_that_waits_for_ever():
    await asyncio.Event().wait()
"""


def test_marked_tests_run_in_virtual_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest("--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=6, xfailed=2)


NETWORKS = """
import asyncio
import pytest
from fata.driver.net.line import Faults

pytestmark = pytest.mark.virtual_time

async def greet(reader, writer):
    writer.write(b"hello " + await reader.readline())
    writer.close()

async def test_two_hosts(sim, clock):
    server = sim.host("server", link=Faults(delay=0.5))
    client = sim.host("client")
    await server.start_server(greet, 7)
    reader, writer = await client.open_connection(server, 7)
    writer.write(b"Ada\\n")
    assert await reader.read() == b"hello Ada\\n"
    writer.close()
    assert clock.monotonic() == sim.now > 2

async def test_a_stack(stack, sim):
    done = asyncio.Event()
    class Listening(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            done.set()
    await stack.create_datagram_endpoint(Listening, ("0.0.0.0", 53))
    other, _ = await sim.host("other").stack.create_datagram_endpoint(asyncio.DatagramProtocol)
    other.sendto(b"x", (stack.address, 53))
    await done.wait()

@pytest.mark.sim_seed(77)
async def test_a_seed(sim):
    assert sim.seed == 77

def test_driven(sim, drive, clock):
    drive(asyncio.sleep(5))
    assert clock.monotonic() == sim.now == 5

@pytest.mark.xfail(strict=True, raises=KeyError)
async def test_an_error_in_a_callback(sim):
    def fail():
        raise KeyError
    sim.at(1.0, fail)
    await asyncio.sleep(2)
"""


def test_networks_for_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NETWORKS)
    result = pytester.runpytest("--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, xfailed=1)


def test_unmarked_coroutines_are_left_to_others(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("async def test_x(disk): raise KeyError")
    result = pytester.runpytest("-p", "no:cacheprovider")
    assert "KeyError" not in result.stdout.str()
    assert result.ret != 0
    assert "async def functions are not natively supported" in result.stdout.str()


def test_the_marker_and_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.virtual_time: *"])
    fixtures = pytester.runpytest("--fixtures").stdout.str()
    for name in ("clock", "disk", "console", "drive", "sim", "stack"):
        assert f"\n{name} -- " in fixtures


def test_loading_the_plugin_loads_nothing_else() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import fata.sim.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["fata", "fata.sim", "fata.sim.pytest_plugin"]
