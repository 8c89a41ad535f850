"""Devices of others: a distribution beside fata, its contract, its entry point; and broken ones."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from importlib.metadata import DistributionFinder, PathDistribution
from pathlib import Path
from typing import Any

import pytest

from fata.config.entry_points import entry_points
from fata.config.graph import Node, resolve
from fata.config.offer import Catalog, installed
from fata.config.plan import make_plan
from fata.config.project import load
from fata.config.settings import settle
from fata.target.dotted import load as load_name
from fata.target.program import write_program
from tests.config.conftest import OWN_SOURCE, Folder, assert_blames, refusal

PACKAGE = {
    "acme/__init__.py": "from acme.contracts import Queue as Queue\n",
    "acme/contracts.py": """
        from typing import Protocol

        class Queue(Protocol):
            async def put(self, item: bytes) -> None: ...

        class DurableQueue(Queue, Protocol):
            async def flush(self) -> None: ...
        """,
    "acme/drivers.py": """
        class MemoryQueue:
            def __init__(self, size: int) -> None: ...

            async def put(self, item: bytes) -> None: ...

            async def flush(self) -> None: ...
        """,
    "acme/devices.py": """
        from acme.contracts import DurableQueue, Queue
        from fata.config import Entry, Impl, Key, Offer, device

        ENTRY = Entry("memory_queue", DurableQueue, {"*": "acme.drivers:MemoryQueue"}, "A queue in memory.")

        def memory_queue(size: int | Key[int] = 16, *, name: str | None = None) -> Impl[DurableQueue]:
            made: Impl[DurableQueue] = device(ENTRY, name=name, size=size)
            return made

        OFFER = Offer(memory_queue, ENTRY, default=memory_queue)
        NO_OFFER = ENTRY
        """,
    "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
}
APP = """
from acme import Queue

class App:
    def __init__(self, queue: Queue) -> None: ...
    async def run(self) -> None: ...
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A folder of installed packages with acme in it, which this interpreter imports from."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    installed.cache_clear()
    yield Folder(tmp_path / "site").write(PACKAGE)
    installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme"]:
        del sys.modules[name]


def entry_point(site: Folder, value: str) -> None:
    site.write({"acme-1.0.dist-info/entry_points.txt": f"[fata.devices]\nmemory_queue = {value}\n"})


def project(site: Folder, config: str) -> Folder:
    return Folder(site.path.parent / "shop").app(APP).config(config)


def catalog_with(site: Folder, value: str) -> Catalog:
    entry_point(site, value)
    return installed()


CONFIGS = {
    "the default": ("from fata.config import *\nregister('a', main('app:App'))\n", "size=16"),
    "wired": (
        "from acme.devices import memory_queue\nfrom fata.config import *\n"
        "register('a', main('app:App', queue=memory_queue(64)))\n",
        "size=64",
    ),
    "with a key": (
        "from acme.devices import memory_queue\nfrom fata.config import *\n"
        "register('a', main('app:App', queue=memory_queue(key('size', int, default=8))))\n",
        "size=given[SIZE]",
    ),
}


@pytest.mark.parametrize(("config", "argument"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_device_of_others_is_wired_and_written(site: Folder, config: str, argument: str) -> None:
    catalog = catalog_with(site, "acme.devices:OFFER")
    shop = project(site, config)
    subject = load(str(shop.path), (site.path, OWN_SOURCE))
    plan = make_plan(subject, catalog, "unix")
    graph = resolve(plan, settle(plan.keys, [], {}, {}, {}))
    (node,) = graph.nodes
    assert isinstance(node, Node)
    assert node.id == "memory_queue"
    text = write_program(graph, "1")
    assert "from acme.drivers import MemoryQueue\n" in text
    assert "    from acme.contracts import DurableQueue\n" in text
    assert f"return MemoryQueue({argument})" in text
    assert load_name(node.implementation).__name__ == "MemoryQueue"


def test_a_wrong_device_of_others_is_refused(site: Folder) -> None:
    catalog = catalog_with(site, "acme.devices:OFFER")
    shop = project(site, "from fata.config import *\nregister('a', main('app:App', queue=memory_kv()))\n")
    subject = load(str(shop.path), (site.path, OWN_SOURCE))
    error = refusal(lambda: make_plan(subject, catalog, "unix"))
    assert_blames(error, shop.path / "config.py", 2, "needs a Queue", "memory_kv (line 2) is a KvTx")


def test_others_come_after_our_own(site: Folder) -> None:
    kinds = [offer.entry.kind for offer in catalog_with(site, "acme.devices:OFFER").offers]
    assert kinds[-1] == "memory_queue"
    assert kinds[0] == "console"


def test_the_catalog_is_read_once(site: Folder) -> None:
    entry_point(site, "acme.devices:OFFER")
    assert installed() is installed()


BROKEN = {
    "no module": ("acme.gone:OFFER", "acme.gone"),
    "no attribute": ("acme.devices:GONE", "GONE"),
    "no Offer": ("acme.devices:NO_OFFER", "is no Offer"),
    "raises": ("acme.raising:OFFER", "RuntimeError: on purpose"),
    "syntax error": ("acme.unfinished:OFFER", "SyntaxError"),
}


@pytest.mark.parametrize(("value", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_one_is_told_by_its_name(site: Folder, value: str, reason: str) -> None:
    site.write({"acme/raising.py": "raise RuntimeError('on purpose')\n", "acme/unfinished.py": "def (\n"})
    error = refusal(lambda: catalog_with(site, value))
    assert "the device 'memory_queue'" in error.reason
    assert value in error.reason
    assert reason in error.reason
    assert "package that brings it" in error.remedy


def make_zip(site: Folder) -> str:
    """Pack the distribution into a zip file, and return its name."""
    with zipfile.ZipFile(site.path / "acme.zip", "w") as packed:
        for file in site.path.rglob("*"):
            packed.write(file, file.relative_to(site.path))
    return str(site.path / "acme.zip")


def make_egg(site: Folder) -> str:
    """Turn the distribution's folder into an egg's, and return its name."""
    (site.path / "acme-1.0.dist-info").rename(site.path / "EGG-INFO")
    return str(site.path.rename(site.path.with_name("acme-1.0.egg")))


def make_egg_info(site: Folder) -> str:
    """Give the distribution's metadata the name that setuptools gives it in a source tree."""
    (site.path / "acme-1.0.dist-info").rename(site.path / "acme.egg-info")
    return str(site.path)


@pytest.mark.parametrize("shape", [lambda site: str(site.path), make_zip, make_egg, make_egg_info])
def test_a_distribution_is_found_in_every_shape(
    site: Folder, shape: Callable[[Folder], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_point(site, "acme.devices:OFFER")
    monkeypatch.setattr(sys, "path", [shape(site), str(site.path / "gone")])
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    assert [point.value for point in entry_points("fata.devices")] == ["acme.devices:OFFER"]


def test_a_distribution_in_the_current_folder_is_found(site: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point(site, "acme.devices:OFFER")
    monkeypatch.setattr(sys, "path", [""])
    monkeypatch.chdir(site.path)
    assert [point.name for point in entry_points("fata.devices")] == ["memory_queue"]


class Hook(DistributionFinder):
    """An import hook that knows where acme is."""

    def __init__(self, site: Folder) -> None:
        self.site = site

    def find_distributions(self, context: DistributionFinder.Context = DistributionFinder.Context()) -> list[Any]:  # noqa: B008
        return [PathDistribution(self.site.path / "acme-1.0.dist-info")]


def test_a_distribution_that_only_an_import_hook_knows_is_found(site: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point(site, "acme.devices:OFFER")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [PathFinder, Hook(site)])
    assert [point.value for point in entry_points("fata.devices")] == ["acme.devices:OFFER"]


@pytest.mark.parametrize("text", [None, "", "[console_scripts]\nacme = acme:main\n"])
def test_where_nothing_is_advertised_metadata_is_not_parsed(
    site: Folder, text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        site.write({"acme-1.0.dist-info/entry_points.txt": text})
    site.write({"old.egg-info": "a file, as distutils wrote it"})
    monkeypatch.setattr(sys, "path", [str(site.path), str(site.path / "gone")])
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    monkeypatch.setattr("importlib.metadata.entry_points", None)  # calling it would fail
    assert list(entry_points("fata.devices")) == []
