"""The devices that come with fata: what each takes, which keys it brings, where it exists."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import fata.config as language
from fata.config.catalog import OFFERS
from fata.config.impl import ANY_TARGET, Choice, Device, HostPath, Impl
from fata.config.keys import REQUIRED, Key, Target
from fata.config.offer import Catalog, alternatives, full_name, installed
from fata.target.dotted import load
from tests.config.conftest import Folder, refusal

RUN = "    async def run(self) -> None: ...\n"
APP = f"""
from fata.device import Block, KvRo, KvRw
class App:
    def __init__(self, a: KvRo) -> None: ...
{RUN}
class Disk:
    def __init__(self, a: Block) -> None: ...
{RUN}"""

KEYS = {
    "directory()": ("App", ["folder"]),
    "directory(name='left')": ("App", ["left-folder"]),
    "directory('.')": ("App", []),
    "directory(key('root', str))": ("App", ["root"]),
    "crunch('.')": ("App", []),
    "crunch(key('pages', str, stage='configure'))": ("App", ["pages"]),
    "generic_kv_ro('.')": ("App", []),
    "generic_kv_ro(key('pages', str, stage='configure'))": ("App", ["pages"]),
    "memory_kv()": ("App", []),
    "irmin_kv()": ("App", ["repository"]),
    "irmin_kv(branch='draft', name='left')": ("App", ["left-repository"]),
    "irmin_kv('data.git')": ("App", []),
    "irmin_memory_kv()": ("App", []),
    "block_file()": ("Disk", ["image"]),
    "block_file(name='left')": ("Disk", ["left-image"]),
    "block_file('disk.img')": ("Disk", []),
    "block_file('disk.img', create_sectors=key('sectors', int, default=8))": ("Disk", ["sectors"]),
    "block_file(key('img', str))": ("Disk", ["img"]),
    "ramdisk()": ("Disk", []),
    "partition(ramdisk(), key('part', int, default=1))": ("Disk", ["part"]),
    "encrypted(ramdisk())": ("Disk", ["disk-key"]),
    "encrypted(ramdisk(), name='left')": ("Disk", ["left-disk-key"]),
    "cached(read_only(block_file()))": ("Disk", ["image"]),
    "tar_of_files('.')": ("Disk", []),
    "tar_kv(tar_of_files('.'))": ("App", []),
    "fat_kv_ro(fat_of_files('.'))": ("App", []),
    "zip_kv(block_file())": ("App", ["image"]),
    "btree_kv(ramdisk())": ("App", []),
    "ramdisk(key('sectors', int))": ("Disk", ["sectors"]),
}


@pytest.mark.parametrize(("made", "expected"), KEYS.items(), ids=KEYS.keys())
def test_a_device_brings_its_keys(folder: Folder, made: str, expected: tuple[str, list[str]]) -> None:
    application, keys = expected
    folder.app(APP).config(f"from fata.config import *\nregister('a', main('app:{application}', a={made}))\n")
    assert [key.name for key in folder.plan().keys] == keys


@pytest.mark.parametrize("made", [language.directory(), language.block_file()])
def test_a_key_of_a_device_is_required_and_explained(made: Impl[Any]) -> None:
    assert isinstance(made, Device)
    (path,) = [argument for _, argument in made.arguments if isinstance(argument, HostPath)]
    assert isinstance(path.text, Key)
    assert path.text.default is REQUIRED
    assert path.text.doc
    assert path.text.where.file == __file__


def test_generic_kv_ro_is_what_suits_the_target(folder: Folder) -> None:
    folder.app(APP).config("from fata.config import *\nregister('a', main('app:App', a=generic_kv_ro('.')))\n")
    assert [node.id for node in folder.graph(target="unix").nodes] == ["directory"]
    assert [node.id for node in folder.graph(target="virtio").nodes] == ["crunch"]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.entry.kind)
def test_every_device_is_documented_and_exported(offer: Any) -> None:
    assert offer.entry.doc.endswith(".")
    assert inspect.getdoc(offer.make)
    name = offer.make.__name__
    assert getattr(language, name) is offer.make
    assert name in language.__all__


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.entry.kind)
def test_every_implementation_takes_the_arguments_that_main_gives(offer: Any) -> None:
    """On the targets that there are; the arguments of a device are those of its class or coroutine function."""
    examples: dict[str, Any] = {"image": "x", "folder": "x", "disk": language.ramdisk()}
    given = {
        parameter: example
        for parameter, example in examples.items()
        if parameter in inspect.signature(offer.make).parameters
    }
    made = offer.make(**given)
    for target in ("unix", ANY_TARGET):
        for device in alternatives(made):
            assert isinstance(device, Device)
            name = device.entry.implementation.get(target)
            if name is not None:
                found = load(name)
                assert inspect.iscoroutinefunction(found) is name.partition(":")[2].startswith("open_")
                inspect.signature(found).bind(**dict.fromkeys(dict(device.arguments)))


def first(impl: Impl[Any] | None) -> Impl[Any] | None:
    """Return a device; of several to choose from the one for unix, or the first."""
    while isinstance(impl, Choice):
        impl = impl.default if isinstance(impl.value, Target) and impl.default else next(iter(impl.all()))
    return impl


DEFAULTS = {
    "fata.device.console.Console": "console",
    "fata.device.clock.Clock": "clock",
    "fata.device.clock.MonotonicClock": "clock",
    "fata.device.clock.WallClock": "clock",
    "fata.device.entropy.Entropy": "entropy",
    "fata.device.stack.Stack": "stack",
    "fata.device.lease.LeasedStack": None,
    "fata.device.kv.KvRo": None,
    "fata.device.block.Block": None,
}


@pytest.mark.parametrize(("contract", "kind"), DEFAULTS.items())
def test_a_target_gives_by_default_what_there_is_one_of(contract: str, kind: str | None) -> None:
    default = first(installed().default(contract, "unix"))
    assert (default.entry.kind if isinstance(default, Device) else None) == kind


def test_a_target_gives_nothing_that_it_does_not_have() -> None:
    assert installed().default("fata.device.console.Console", "moon") is None


FROM_PATH = {"KvRo": "directory", "KvRw": "directory", "Block": "block_file"}


@pytest.mark.parametrize(("contract", "kind"), FROM_PATH.items())
def test_stores_and_disks_are_made_of_a_path(folder: Folder, contract: str, kind: str) -> None:
    folder.app(f"from fata.device import {contract}\nclass App:\n    def __init__(self, a: {contract}): ...\n{RUN}")
    folder.config("from fata.config import *\nregister('a', main('app:App'))\n")
    (node,) = folder.graph("--a=.").nodes
    assert node.device.entry.kind == kind


def test_a_transactional_store_is_not_made_of_a_path(folder: Folder) -> None:
    folder.app(f"from fata.device import KvTx\nclass App:\n    def __init__(self, a: KvTx): ...\n{RUN}")
    folder.config("from fata.config import *\nregister('a', main('app:App'))\n")
    assert "unix has none to give by default" in refusal(folder.plan).reason


def test_an_offer_without_a_path_does_not_hide_one_with(folder: Folder) -> None:
    offers = sorted(OFFERS, key=lambda offer: offer.from_path is not None)
    assert Catalog(offers).from_path("fata.device.kv.KvRo") is not None
    assert Catalog(offers[:1]).from_path("fata.device.kv.KvRo") is None


def test_the_first_offer_of_a_contract_is_the_default() -> None:
    catalog = Catalog(offer for offer in OFFERS if offer.default is not None and offer.entry.on("unix") is not None)
    for offer in catalog.offers:
        default = first(catalog.default(full_name(offer.entry.contract), "unix"))
        assert isinstance(default, Device)
        assert default.entry is offer.entry


def test_a_module_is_not_asked_for_what_python_asks_of_every_module() -> None:
    assert not hasattr(language, "__wrapped__")


LEASED = f"from fata.device import LeasedStack\nclass App:\n    def __init__(self, a: LeasedStack) -> None: ...\n{RUN}"


def test_a_lease_is_told_by_our_own_stack(folder: Folder) -> None:
    folder.app(LEASED).config("from fata.config import *\nregister('a', main('app:App', a=direct_stack()))\n")
    (node,) = folder.graph("--interface=t0", "--dhcp").nodes
    assert node.device.entry.kind == "direct_stack"


def test_the_hosts_sockets_have_no_lease(folder: Folder) -> None:
    folder.app(LEASED).config("from fata.config import *\nregister('a', main('app:App', a=generic_stack()))\n")
    reason = refusal(folder.plan).reason
    assert "needs a LeasedStack" in reason
    assert reason.endswith("and stack (line 2) is a Stack")
