"""The graph: what is shared, in which order devices open, circles, and the names they get in main.py."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.config import Entry, Impl, Offer, device
from fata.config.graph import File, Graph, Node, resolve
from fata.config.impl import Default
from fata.config.keys import Key
from fata.config.offer import Catalog
from fata.config.plan import Plan, PlannedJob
from fata.config.project import Project
from fata.config.registry import Job
from fata.config.signature import DeviceParameter, Signature
from fata.config.signature.source import Sources
from fata.config.value import TEXT
from fata.config.where import Where
from fata.device import Block, KvRo
from tests.config.conftest import Folder, assert_blames, line_of, refusal

RUN = "    async def run(self) -> None: ...\n"
TWO = f"""
from fata.device import Block, Console, KvRo
class App:
    def __init__(self, a: KvRo, b: KvRo) -> None: ...
{RUN}
class Talker:
    def __init__(self, console: Console) -> None: ...
{RUN}"""


def ids(graph: Graph) -> list[str]:
    return [node.id for node in graph.nodes]


SHARED = {
    "one device for two parameters": ("d = memory_kv()", "main('app:App', a=d, b=d)", ["memory_kv"]),
    "equal devices": ("", "main('app:App', a=memory_kv(), b=memory_kv())", ["memory_kv"]),
    "equal arguments": ("", "main('app:App', a=crunch('.'), b=crunch('.'))", ["crunch"]),
    "equal names": ("", "main('app:App', a=memory_kv(name='x'), b=memory_kv(name='x'))", ["x"]),
    "equal keys": (
        "def k(): return key('f', str, default='.')",
        "main('app:App', a=directory(k()), b=directory(k()))",
        ["directory"],
    ),
    "the same branch of two choices": (
        "k = key('k', bool, default=True)",
        "main('app:App', a=if_(k, memory_kv(), crunch('.')), b=if_(k, memory_kv(), crunch('..')))",
        ["memory_kv"],
    ),
    "across jobs": (
        "",
        "main('app:App', a=memory_kv(), b=memory_kv()), main('app:App', 'o', a=memory_kv(), b=memory_kv())",
        ["memory_kv"],
    ),
    "the target's default": ("", "main('app:Talker'), main('app:Talker', 'o', console=console())", ["console"]),
}
APART = {
    "names": ("", "main('app:App', a=memory_kv(name='x'), b=memory_kv(name='y'))", ["x", "y"]),
    "a name and none": ("", "main('app:App', a=memory_kv(), b=memory_kv(name='y'))", ["memory_kv", "y"]),
    "arguments": ("", "main('app:App', a=crunch('.'), b=crunch('..'))", ["crunch", "crunch_2"]),
    "kinds": ("", "main('app:App', a=memory_kv(), b=crunch('.'))", ["memory_kv", "crunch"]),
    "branches": (
        "k = key('k', bool, default=True)",
        "main('app:App', a=if_(k, memory_kv(), crunch('.')), b=if_(k, crunch('.'), memory_kv()))",
        ["memory_kv", "crunch"],
    ),
}


@pytest.mark.parametrize(
    ("before", "jobs", "nodes"), [*SHARED.values(), *APART.values()], ids=[*SHARED, *(f"not {name}" for name in APART)]
)
def test_equal_devices_are_one_and_others_are_not(folder: Folder, before: str, jobs: str, nodes: list[str]) -> None:
    graph = folder.app(TWO).config(f"from fata.config import *\n{before}\nregister('app', {jobs})\n").graph()
    assert ids(graph) == nodes
    given = {operand.id for job in graph.jobs for _, operand in job.arguments if isinstance(operand, Node)}
    assert given == set(nodes)


# A catalog of our own: layers of blocks, each over another.

DISK = Entry("disk", Block, {"*": "drivers:Disk"}, "a disk")
LAYER = Entry("layer", Block, {"*": "drivers:Layer"}, "a block over a block", {"over": Block})
PAIR = Entry("pair", Block, {"*": "drivers:Pair"}, "a block over two", {"left": Block, "right": Block})


def disk(name: str | None = None) -> Impl[Block]:
    made: Impl[Block] = device(DISK, name=name)
    return made


def layer(over: Impl[Block], name: str | None = None) -> Impl[Block]:
    made: Impl[Block] = device(LAYER, name=name, over=over)
    return made


def pair(left: Impl[Block], right: Impl[Block]) -> Impl[Block]:
    made: Impl[Block] = device(PAIR, left=left, right=right)
    return made


def described(shape: Any) -> Impl[Block]:
    """Make a device of a nested tuple: (), (inner,) or (left, right)."""
    match shape:
        case ():
            return disk()
        case (inner,):
            return layer(described(inner))
        case (left, right):
            return pair(described(left), described(right))
    raise AssertionError(shape)


SHAPES = st.recursive(st.just(()), lambda inner: st.tuples(inner) | st.tuples(inner, inner), max_leaves=12)


def distinct(shape: Any) -> set[Any]:
    return {shape}.union(*(distinct(inner) for inner in shape))


@given(SHAPES)
def test_every_device_comes_once_and_after_what_it_needs(shape: Any) -> None:
    graph = graph_of(described(shape))
    assert len(graph.nodes) == len(distinct(shape))
    seen: set[str] = set()
    for node in graph.nodes:
        needed = {operand.id for _, operand in node.arguments if isinstance(operand, Node)}
        assert needed <= seen
        assert node.id not in seen
        seen.add(node.id)


def graph_of(block: Impl[Block], catalog: Catalog | None = None) -> Graph:
    """Resolve a device as the only argument of a job, without any file."""
    parameter = DeviceParameter("block", "fata.device.block.Block", False, Where())
    signature = Signature("app", "App", False, "", (parameter,), False, Where())
    job = PlannedJob(Job("app:App", None, {}), signature, (("block", block),))
    project = Project("app", Path("/nowhere"), None, (), (), Sources([]))
    return resolve(Plan(project, catalog or Catalog([]), "unix", (job,), ()), {})


APP = f"from fata.device import Block\nclass App:\n    def __init__(self, block: Block) -> None: ...\n{RUN}"
CONFIG = "from fata.config import main, register\nregister('app', main('app:App'))\n"


def needing(kind: str, contract: type, other: type, **options: Any) -> Offer:
    """Make an offer that is its contract's default, and needs another's default."""
    entry = Entry(kind, contract, {"*": f"drivers:open_{kind}"}, kind, {"inner": other})

    def make() -> Impl[Any]:
        made: Impl[Any] = device(entry, inner=Default(other), **options)
        return made

    return Offer(make, entry, default=make)


def test_a_default_may_need_another_default(folder: Folder) -> None:
    inner = Entry("inner", KvRo, {"*": "drivers:Inner"}, "")
    catalog = Catalog(
        [needing("outer", Block, KvRo), Offer(lambda: device(inner), inner, default=lambda: device(inner))]
    )
    assert ids(folder.app(APP).config(CONFIG).graph(catalog=catalog)) == ["inner", "outer"]


def test_a_circle_of_defaults_is_refused_and_shown(folder: Folder) -> None:
    catalog = Catalog([needing("outer", Block, KvRo), needing("inner", KvRo, Block)])
    error = refusal(lambda: folder.app(APP).config(CONFIG).graph(catalog=catalog))
    assert "these devices need each other: outer → inner → outer" in error.reason
    assert "Wire one" in error.remedy


def test_a_device_that_needs_itself_is_refused(folder: Folder) -> None:
    error = refusal(lambda: folder.app(APP).config(CONFIG).graph(catalog=Catalog([needing("outer", Block, Block)])))
    assert "need each other: outer → outer" in error.reason


def test_a_default_that_no_target_gives_is_refused(folder: Folder) -> None:
    error = refusal(lambda: folder.app(APP).config(CONFIG).graph(catalog=Catalog([needing("outer", Block, KvRo)])))
    assert "unix has no KvRo to give by default" in error.reason


def test_the_keys_of_a_default_are_keys_of_the_program(folder: Folder) -> None:
    """Also when the default is needed by a default."""
    inner = Entry("inner", KvRo, {"*": "drivers:Inner"}, "")
    depth: Key[str] = Key("depth", TEXT, "deep", "how deep")

    def make() -> Impl[KvRo]:
        made: Impl[KvRo] = device(inner, depth=depth)
        return made

    catalog = Catalog([needing("outer", Block, KvRo), Offer(make, inner, default=make)])
    folder.app(APP).config(CONFIG)
    assert folder.plan(catalog=catalog).keys == (depth,)
    graph = folder.graph("--depth=shallow", catalog=catalog)
    assert graph.settings["depth"].value == "shallow"


def test_the_keys_of_a_device_that_is_made_of_a_path_are_keys_of_the_program(folder: Folder) -> None:
    entry = Entry("image", Block, {"*": "drivers:Image"}, "")
    depth: Key[str] = Key("depth", TEXT, "deep", "how deep")

    def make(path: Key[str]) -> Impl[Block]:
        made: Impl[Block] = device(entry, path=path, depth=depth)
        return made

    catalog = Catalog([Offer(make, entry, from_path=make)])
    plan = folder.app(APP).config(CONFIG).plan(catalog=catalog)
    assert [key.name for key in plan.keys] == ["block", "depth"]


def test_the_keys_of_a_circle_are_looked_for_once(folder: Folder) -> None:
    catalog = Catalog([needing("outer", Block, KvRo), needing("inner", KvRo, Block)])
    assert folder.app(APP).config(CONFIG).plan(catalog=catalog).keys == ()


@pytest.mark.parametrize("wrong", [Default(KvRo), "disk", None, 3])
def test_what_a_device_is_made_over_is_checked(wrong: Any) -> None:
    error = refusal(lambda: layer(wrong))
    assert "layer(over=…) needs a Block" in error.reason
    assert error.file == __file__


def test_a_device_may_have_lists_and_none_among_its_arguments() -> None:
    entry = Entry("names", Block, {"*": "drivers:Names"}, "")
    both = [device(entry, hosts=["a", "b"], port=None) for _ in range(2)]
    assert both[0] == both[1]
    assert len(graph_of(pair(both[0], both[1])).nodes) == 2


NAMES = {
    "a device is called as it is named": (
        "main('app:App', a=memory_kv(name='left'), b=crunch('.'))",
        ["left", "crunch", "app"],
    ),
    "two of a kind": ("main('app:App', a=crunch('.'), b=crunch('..'))", ["crunch", "crunch_2", "app"]),
    "a device like a job": ("main('app:App', a=memory_kv(name='app'), b=crunch('.'))", ["app", "crunch", "app_2"]),
    "a job by its name": ("main('app:App', 'east', a=crunch('.'), b=crunch('.'))", ["crunch", "east"]),
    "a keyword": ("main('app:App', a=memory_kv(name='class'), b=crunch('.'))", ["class_2", "crunch", "app"]),
    "a soft keyword": ("main('app:App', a=memory_kv(name='match'), b=crunch('.'))", ["match", "crunch", "app"]),
    "a name of main.py": (
        "main('app:App', a=memory_kv(name='given'), b=memory_kv(name='wire'))",
        ["given_2", "wire_2", "app"],
    ),
    "a number that is taken": (
        "main('app:App', a=memory_kv(name='crunch_2'), b=crunch('.')), main('app:App', a=crunch('..'), b=crunch('.'))",
        ["crunch_2", "crunch", "crunch_3", "app", "app_2"],
    ),
}


@pytest.mark.parametrize(("jobs", "names"), NAMES.values(), ids=NAMES.keys())
def test_everything_has_a_name_of_its_own(folder: Folder, jobs: str, names: list[str]) -> None:
    graph = folder.app(TWO).config(f"from fata.config import *\nregister('app', {jobs})\n").graph()
    found = sorted([*ids(graph), *(job.id for job in graph.jobs)])
    assert found == sorted(names)
    assert len(set(found)) == len(found)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in found)


def test_a_kind_that_is_no_name_gets_one() -> None:
    entry = Entry("9p-disk", Block, {"*": "drivers:NineP"}, "")
    assert ids(graph_of(pair(device(entry), device(entry, name="x")))) == ["device_2", "x", "pair"]


FILES = {
    "a key read at boot": (
        "crunch(key('pages', str, default='.', stage='boot'))",
        ["'pages' is read at boot", "configure"],
    ),
    "a key that may be": ("crunch(key('pages', str, default='.'))", ["'pages' is read at boot", "stage='configure'"]),
    "nothing there": ("crunch('gone')", ["there is no ", "gone", "relative to config.py"]),
    "no value": ("crunch(key('pages', str, stage='configure', doc='the pages'))", ["--pages (TEXT): the pages"]),
}


@pytest.mark.parametrize(("site", "parts"), FILES.values(), ids=FILES.keys())
def test_a_file_that_cannot_be_packed_is_told_at_its_line(folder: Folder, site: str, parts: list[str]) -> None:
    folder.app(TWO).config(f"from fata.config import *\n\nx = {site}\nregister('app', main('app:App', a=x, b=x))\n")
    error = refusal(folder.graph)
    assert_blames(error, folder.path / "config.py", line_of(folder.path / "config.py", "x ="), *parts)


def test_the_files_of_an_image_are_listed_once(folder: Folder) -> None:
    folder.app(TWO).config(
        "from fata.config import *\nregister('app', main('app:App', a=crunch('.'), b=crunch('.')))\n"
    )
    assert folder.graph().files == [File("crunch.crunch", "fata.driver.kv.crunch:pack", folder.path)]
