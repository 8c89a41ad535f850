"""`fata run examples/www -t virtio -p 8080:80`: all that a site owes its visitors, on a machine without a system."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.www import make_large_file
from tests.http.command import curl
from tests.programs import needs, needs_runtime
from tests.unikernel import memory
from tests.unikernel.guest import EXAMPLES, Unikernel
from tests.unikernel.load import Clients, Outcome

SITE = EXAMPLES / "www" / "htdocs"
PAGE = "/style.css"
CONNECTIONS = 200
WARM_UP = 1000  # requests: tables have grown and caches are filled
REQUESTS = int(os.environ.get("FATA_REQUESTS", "10000"))
FORTY_MEGABYTES = "38"  # MiB
LEAK = """
from app import Www as Sound


class Keeping:
    def __init__(self, site):
        self.site = site
        self.kept = []

    def __getattr__(self, name):
        return getattr(self.site, name)

    async def size(self, key):
        self.kept.append([key])
        return await self.site.size(key)


class Www(Sound):
    async def run(self) -> None:
        self.site = Keeping(self.site)
        await super().run()
"""

pytestmark = [pytest.mark.qemu, needs("qemu-system-x86_64"), needs("curl"), needs_runtime()]


@pytest.fixture(scope="module", params=["microvm", "q35"])
def www(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unikernel]:
    make_large_file.main()
    application = memory.metered("www", tmp_path_factory.mktemp("www"))
    with Unikernel(application, request.param, ports=("80", memory.PORT)) as guest:
        yield guest


def test_every_file_arrives_octet_for_octet(www: Unikernel) -> None:
    files = [path for path in SITE.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert curl(www.url(f"/{path.relative_to(SITE)}")) == path.read_bytes(), path
    whole = make_large_file.content()
    assert curl("-r", "1000000-1000015", www.url("/large.bin")) == whole[1_000_000:1_000_016]
    assert curl("-r", "-5", www.url("/large.bin")) == whole[-5:]
    assert curl("-o", "/dev/null", "-w", "%{http_code}", www.url("/nowhere")) == b"404"


@pytest.mark.parametrize("kind", ["fat", "tar"])
def test_the_same_site_comes_from_a_disk_in_the_image(kind: str) -> None:
    make_large_file.main()
    with Unikernel(EXAMPLES / "www", "microvm", "--site-kv", kind, ports=("80",)) as guest:
        for path in SITE.rglob("*"):
            if path.is_file():
                assert curl(guest.url(f"/{path.relative_to(SITE)}")) == path.read_bytes(), path
        assert curl("-r", "-5", guest.url("/large.bin")) == make_large_file.content()[-5:]


def test_two_hundred_connections_stay_and_memory_is_flat(www: Unikernel) -> None:
    async def load() -> tuple[Outcome, str]:
        async with Clients(www.port(), PAGE, CONNECTIONS) as clients:
            await clients.ask(WARM_UP)
            before = await asyncio.to_thread(memory.read, www)
            outcome = await clients.ask(REQUESTS)
            after = await asyncio.to_thread(memory.read, www)
        return outcome, memory.growth(before, after, REQUESTS)

    assert asyncio.run(load()) == ((CONNECTIONS + WARM_UP + REQUESTS, 0, 0), "")


def test_waiting_with_a_hundred_connections_costs_next_to_nothing(www: Unikernel) -> None:
    async def idle() -> float:
        async with Clients(www.port(), PAGE, 100) as clients:
            await clients.ask(500)
            used = await www.idle(4.0)
            assert await clients.ask(100) == (700, 0, 0), "they are still open"
        return used

    assert asyncio.run(idle()) < 0.03


def test_forty_megabytes_are_enough() -> None:
    async def load(guest: Unikernel) -> Outcome:
        async with Clients(guest.port(), PAGE, CONNECTIONS) as clients:
            return await clients.ask(500)

    make_large_file.main()
    with Unikernel(EXAMPLES / "www", "microvm", "--memory", FORTY_MEGABYTES, ports=("80",)) as guest:
        assert asyncio.run(load(guest)) == (700, 0, 0)
        assert curl(guest.url("/large.bin")) == make_large_file.content()


def test_a_leak_of_one_list_a_request_is_seen(tmp_path: Path) -> None:
    application = memory.metered("www", tmp_path, {"leaky.py": LEAK})
    config = application / "config.py"
    config.write_text(config.read_text().replace("app:Www", "leaky:Www"))

    async def load(guest: Unikernel) -> str:
        async with Clients(guest.port(), PAGE, 20) as clients:
            await clients.ask(200)
            before = await asyncio.to_thread(memory.read, guest)
            await clients.ask(1000)
            after = await asyncio.to_thread(memory.read, guest)
        return memory.growth(before, after, 1000)

    with Unikernel(application, "microvm", ports=("80", memory.PORT)) as guest:
        assert "blocks of Python's" in asyncio.run(load(guest))
