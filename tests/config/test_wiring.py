"""Who gets which device, what may be wired where, and choices between devices."""

from __future__ import annotations

import pytest

from fata.config.graph import Graph, Node
from fata.config.plan import Plan
from tests.config.conftest import Folder, assert_blames, line_of, refusal

RUN = "    async def run(self) -> None: ...\n"
APP = f"""
from fata.device import Block, Console, KvRo, KvRw, KvTx, Net

class Idle:
    def __init__(self, pages: KvRo) -> None: ...

class Bare:
{RUN}
class Site:
    def __init__(self, site: KvRo) -> None: ...
{RUN}
class Store:
    def __init__(self, store: KvTx) -> None: ...
{RUN}
class Writable:
    def __init__(self, store: KvRw) -> None: ...
{RUN}
class Maybe:
    def __init__(self, site: KvRo | None) -> None: ...
{RUN}
class Card:
    def __init__(self, card: Net) -> None: ...
{RUN}
class MaybeCard:
    def __init__(self, card: Net | None) -> None: ...
{RUN}
class Talker:
    def __init__(self, console: Console, *, count: int = 1, mode: str = "x") -> None: ...
{RUN}"""


def config(folder: Folder, job: str, before: str = "") -> Folder:
    """Write an application and a config.py whose last line, 5, registers one job."""
    return folder.app(APP).config(f"from fata.config import *\n\n{before or '#'}\n\nregister('app', {job})\n")


def wired(graph: Graph, parameter: str) -> Node | None:
    """Return the device that a parameter of the only job gets."""
    node = dict(graph.jobs[0].arguments)[parameter]
    assert node is None or isinstance(node, Node)
    return node


def kind(graph: Graph, parameter: str) -> str | None:
    node = wired(graph, parameter)
    return None if node is None else node.device.entry.kind


FITS = {
    "the contract itself": ("main('app:Site', site=crunch('.'))", "site", "crunch"),
    "KvRw where KvRo is asked for": ("main('app:Site', site=directory('.'))", "site", "directory"),
    "KvTx where KvRo is asked for": ("main('app:Site', site=memory_kv())", "site", "memory_kv"),
    "KvTx where KvRw is asked for": ("main('app:Writable', store=memory_kv())", "store", "memory_kv"),
    "KvTx itself": ("main('app:Store', store=memory_kv())", "store", "memory_kv"),
    "where None will do": ("main('app:Maybe', site=memory_kv())", "site", "memory_kv"),
    "None where it will do": ("main('app:Maybe', site=None)", "site", None),
    "the target's default": ("main('app:Talker')", "console", "console"),
    "no default, but None will do": ("main('app:MaybeCard')", "card", None),
    "no option given, but None will do": ("main('app:Maybe')", "site", None),
}


@pytest.mark.parametrize(("job", "parameter", "found"), FITS.values(), ids=FITS.keys())
def test_a_parameter_gets_its_device(folder: Folder, job: str, parameter: str, found: str | None) -> None:
    assert kind(config(folder, job).graph(), parameter) == found


def test_a_store_that_nobody_wires_is_an_option(folder: Folder) -> None:
    (option,) = config(folder, "main('app:Site')").plan().keys
    assert (option.name, option.stage, option.doc) == ("site", "configure", "path for the KvRo 'site'")
    assert option.where.line == line_of(folder.path / "app.py", "site: KvRo)")
    assert kind(folder.graph("--site", "."), "site") == "directory"


def test_the_option_has_the_jobs_prefix(folder: Folder) -> None:
    (option,) = config(folder, "main('app:Site', 'left')").plan().keys
    assert option.name == "left-site"


def test_an_option_that_is_not_given_is_asked_for(folder: Folder) -> None:
    error = refusal(config(folder, "main('app:Site')").graph)
    file = folder.path / "app.py"
    assert_blames(error, file, line_of(file, "site: KvRo)"), "--site (TEXT)", "path for the KvRo", "FATA_SITE")


UNFIT = {
    "another contract": (
        "main('app:Site', site=ramdisk())",
        ["app:Site(site=…) needs a KvRo", "ramdisk (line 5) is a Block", "Wire a KvRo"],
    ),
    "a poorer contract": ("main('app:Store', store=directory('.'))", ["needs a KvTx", "directory (line 5) is a KvRw"]),
    "a named device": ("main('app:Site', site=ramdisk(name='disk'))", ["ramdisk disk (line 5) is a Block"]),
    "no device": ("main('app:Site', site=3)", ["'site' is a device, and 3 is none", "fata help devices"]),
    "a path": ("main('app:Site', site='htdocs')", ["'site' is a device, and 'htdocs' is none"]),
    "a key": ("main('app:Site', site=key('site', str))", ["'site' is a device"]),
    "None": ("main('app:Site', site=None)", ["'site' is a device, and None is none"]),
    "the function": ("main('app:Site', site=crunch)", ["'site' is a device, and <function crunch"]),
    "one branch of a choice": (
        "main('app:Site', site=if_(key('a', bool), memory_kv(), ramdisk()))",
        ["needs a KvRo", "ramdisk (line 5) is a Block"],
    ),
    "a branch of a branch": (
        "main('app:Site', site=match(key('a', int), {1: crunch('.'), 2: if_(key('b', bool), console(), crunch('.'))}))",
        ["needs a KvRo", "console (line 5) is a Console"],
    ),
    "the default of a match": (
        "main('app:Site', site=match(key('a', int), {1: crunch('.')}, ramdisk()))",
        ["needs a KvRo", "ramdisk (line 5) is a Block"],
    ),
    "a device for a key": ("main('app:Talker', count=ramdisk())", ["app:Talker(count=", "not an integer", "app.py:"]),
    "a text for a number": ("main('app:Talker', count='3')", ["app:Talker(count='3')", "not an integer", "app.py:"]),
    "None for a text": ("main('app:Talker', mode=None)", ["app:Talker(mode=None)", "not a text"]),
    "a key of another type": (
        "main('app:Talker', count=key('count', str))",
        ["app:Talker(count=…) is an integer", "key 'count' is a text"],
    ),
    "an unknown parameter": ("main('app:Talker', cuont=3)", ["no parameter 'cuont'", "Did you mean 'count'?"]),
    "a parameter of none": ("main('app:Bare', zzz=3)", ["no parameter 'zzz'", "It has none."]),
    "a parameter like no other": ("main('app:Talker', zzz=3)", ["no parameter 'zzz'", "It has console, count, mode."]),
    "a class that forgot to run": (
        "main('app:Idle', pages=crunch('.'))",
        ["app:Idle has no parameter 'pages'", "Without `async def run`", "stack, host, port"],
    ),
    "no target has one": ("main('app:Card')", ["app:Card needs a Net as 'card'", "unix has none", "card=…"]),
}


@pytest.mark.parametrize(("job", "parts"), UNFIT.values(), ids=UNFIT.keys())
def test_what_does_not_fit_is_refused(folder: Folder, job: str, parts: list[str]) -> None:
    error = refusal(config(folder, job).plan)
    file, line = ("app.py", line_of(folder.path / "app.py", "card: Net)")) if "Card" in job else ("config.py", 5)
    assert_blames(error, folder.path / file, line, *parts)


NO_CONFIG = {
    "a number for a path": ("site = crunch(3)", ["crunch: 3 is no path"]),
    "a list for a path": ("site = crunch(['htdocs'])", ["crunch: ['htdocs'] is no path"]),
    "a key of another type for a path": ("site = crunch(key('a', int))", ["is no path", "type str"]),
    "a device for a path": ("site = crunch(console())", ["is no path"]),
    "what map makes for a path": ("site = crunch(target.map(str))", ["is no path"]),
    "an object for a number": ("site = ramdisk(object())", ["is no argument for a device"]),
    "a name with capitals": ("site = memory_kv(name='Left')", ["name='Left' is not a name", "lower-case"]),
    "a name with a dash": ("site = memory_kv(name='left-one')", ["is not a name"]),
    "a plain condition": ("site = if_(True, console(), console())", ["if_: True is known already", "key"]),
    "a comparison": ("site = if_(key('a', int) == 3, console(), console())", ["if_: False is known already"]),
    "no device in a branch": ("site = if_(key('a', bool), 'here', console())", ["if_: 'here' is no device"]),
    "None in a branch": ("site = if_(key('a', bool), console(), None)", ["if_: None is no device"]),
    "no device in a match": ("site = match(key('a', str), {'x': 3})", ["match: 3 is no device"]),
    "a plain subject": ("site = match('x', {'x': console()})", ["match: 'x' is known already"]),
    "an unknown argument": ("site = crunch('.', nmae='x')", ["TypeError", "nmae", "Mend this line"]),
    "a class for an application": ("class App: ...\nmain(App)", ["main: <class", "nothing is imported"]),
    "a job's name with capitals": ("main('app:Site', 'Left')", ["'Left' is not a name for a job"]),
    "a job's name with a dash": ("main('app:Site', 'left-one')", ["'left-one' is not a name for a job"]),
    "a number for a package": ("package(3)", ["package: 3 is no text"]),
}


@pytest.mark.parametrize(("statement", "parts"), NO_CONFIG.values(), ids=NO_CONFIG.keys())
def test_a_device_that_cannot_be_is_refused_at_its_line(folder: Folder, statement: str, parts: list[str]) -> None:
    config(folder, "main('app:Talker')", statement)
    file = folder.path / "config.py"
    assert_blames(refusal(folder.project), file, line_of(file, statement.splitlines()[-1]), *parts)


CHOICES = {
    "if_, true": ("if_(key('a', bool, default=True), memory_kv(), crunch('.'))", [], "unix", "memory_kv"),
    "if_, false": ("if_(key('a', bool, default=True), memory_kv(), crunch('.'))", ["--no-a"], "unix", "crunch"),
    "if_ of a mapped key": (
        "if_(key('a', int, default=3).map(lambda a: a > 5), memory_kv(), crunch('.'))",
        ["--a=9"],
        "unix",
        "memory_kv",
    ),
    "if_ of the target": (
        "if_(target.map(lambda name: name == 'unix'), memory_kv(), crunch('.'))",
        [],
        "virtio",
        "crunch",
    ),
    "match": (
        "match(key('a', str, choices=['m', 'c']), {'m': memory_kv(), 'c': crunch('.')})",
        ["--a", "c"],
        "unix",
        "crunch",
    ),
    "match of integers": ("match(key('a', int), {1: memory_kv(), 2: crunch('.')})", ["--a=0x2"], "unix", "crunch"),
    "match's default": ("match(key('a', int), {1: memory_kv()}, crunch('.'))", ["--a=7"], "unix", "crunch"),
    "match of the target": ("match(target, {'unix': memory_kv(), 'xen': crunch('.')})", [], "xen", "crunch"),
    "map of map": (
        "match(target.map(len).map(lambda n: n > 3), {True: memory_kv(), False: crunch('.')})",
        [],
        "xen",
        "crunch",
    ),
    "a choice in a choice": (
        "if_(key('a', bool), match(target, {'unix': crunch('.')}), memory_kv())",
        ["--a"],
        "unix",
        "crunch",
    ),
    "a key of stage configure": (
        "if_(key('a', bool, stage='configure'), memory_kv(), crunch('.'))",
        ["--a"],
        "unix",
        "memory_kv",
    ),
}


@pytest.mark.parametrize(("choice", "words", "target", "found"), CHOICES.values(), ids=CHOICES.keys())
def test_a_choice_is_made_by_a_value(folder: Folder, choice: str, words: list[str], target: str, found: str) -> None:
    graph = config(folder, f"main('app:Site', site={choice})").graph(*words, target=target)
    assert kind(graph, "site") == found
    assert len(graph.nodes) == 1


def test_the_keys_of_a_branch_not_taken_are_in_the_plan_but_not_in_the_graph(folder: Folder) -> None:
    config(folder, "main('app:Site', site=if_(key('a', bool), directory(name='d'), memory_kv()))")
    assert [key.name for key in folder.plan().keys] == ["a", "d-folder"]
    graph = folder.graph("--no-a")
    assert [key.name for key in graph.keys] == ["a"]
    assert graph.fixed == {"a"}
    assert graph.boot_keys == []


def test_a_key_that_made_a_choice_is_not_read_at_boot(folder: Folder) -> None:
    """Given another value then, it would be believed to have done something."""
    folder.app(f"from fata.device import KvRo\nclass App:\n    def __init__(self, a: KvRo, *, kv: str): ...\n{RUN}")
    folder.config("""
        from fata.config import *
        kv = key("kv", str, choices=["m", "n"])
        register("app", main("app:App", kv=kv, a=match(kv, {"m": memory_kv(), "n": memory_kv(name="n")})))
        """)
    graph = folder.graph("--kv", "n")
    assert graph.fixed == {"kv"}
    assert graph.boot_keys == []
    assert 'App(await n(), kv="n").run()' in folder.program("--kv", "n")


UNMADE = {
    "a key read at boot": (
        "if_(key('a', bool, default=True, stage='boot'), memory_kv(), crunch('.'))",
        ["key 'a' is read at boot", "stage='configure'"],
    ),
    "no value": ("if_(key('a', bool, doc='whether'), memory_kv(), crunch('.'))", ["for --a (true|false): whether"]),
    "no value and no help": ("if_(key('a', bool), memory_kv(), crunch('.'))", ["no help was written"]),
    "no branch": (
        "match(key('a', str, default='x'), {'m': memory_kv(), 'c': crunch('.')})",
        ["match: no branch for 'x'", "'m', 'c'", "default"],
    ),
    "no branch for the target": ("match(target, {'xen': memory_kv()})", ["match: no branch for 'unix'", "'xen'"]),
    "no boolean": ("if_(key('a', int, default=3).map(str), memory_kv(), crunch('.'))", ["no branch for '3'"]),
    "a function that fails": (
        "if_(key('a', int, default=0).map(lambda a: 1 / a), memory_kv(), crunch('.'))",
        ["fails for 0", "ZeroDivisionError: division by zero", "Mend the function"],
    ),
    "a device that the target does not have": (
        "directory('.')",
        ["directory is not on virtio yet", "unix", "match(target"],
    ),
}


def test_a_key_of_stage_configure_is_written_into_the_program(folder: Folder) -> None:
    disk = "ramdisk(key('sectors', int, default=8, stage='configure'))"
    folder.app(f"from fata.device import Block\nclass App:\n    def __init__(self, a: Block) -> None: ...\n{RUN}")
    folder.config(f"from fata.config import *\nregister('app', main('app:App', a={disk}))\n")
    graph = folder.graph("--sectors=16")
    assert graph.fixed == {"sectors"}
    assert graph.boot_keys == []
    text = folder.program("--sectors=16")
    assert "sectors=16" in text
    assert "Argument(" not in text


@pytest.mark.parametrize(("choice", "parts"), UNMADE.values(), ids=UNMADE.keys())
def test_a_choice_that_cannot_be_made_is_told_at_its_line(folder: Folder, choice: str, parts: list[str]) -> None:
    config(folder, "main('app:Site', site=site)", f"site = {choice}")
    target = "virtio" if "virtio" in parts[0] else "unix"
    assert_blames(refusal(lambda: folder.graph(target=target)), folder.path / "config.py", 3, *parts)


def test_a_plan_reads_every_job_of_the_project(folder: Folder) -> None:
    plan: Plan = config(folder, "main('app:Talker'), main('app:Talker', 'other'), main('app:Maybe')").plan()
    assert [job.signature.name for job in plan.jobs] == ["Talker", "Talker", "Maybe"]
