"""A type checker on config.py and on main.py: right wiring passes mypy --strict, wrong wiring does not.

One run of mypy reads everything; each test looks at what it said about one file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.config.conftest import OWN_SOURCE, Folder, refusal
from tests.target.programs import HELLO, PROGRAMS, RUN, Program

pytestmark = pytest.mark.slow


class Finding(NamedTuple):
    """What mypy says about a line."""

    line: int
    text: str
    code: str


RIGHT_CONFIGS = {
    "sharing": 'd = memory_kv()\nregister("a", main("hello:Hello", x=d, y=d))',
    "richer": "a: Impl[KvRo] = memory_kv()\nb: Impl[KvRw] = directory()\nc: Impl[KvRo] = crunch('.')",
    "choices": (
        'tls = key("tls", bool, default=False)\n'
        "a: Impl[KvRo] = if_(tls, memory_kv(), crunch('.'))\n"
        'b: Impl[KvRo] = match(target, {"unix": directory(), "virtio": memory_kv()}, crunch("."))\n'
        "c: Impl[Block] = if_(target.map(lambda name: name == 'unix'), block_file(), ramdisk())"
    ),
    "keys": (
        'size: Key[int] = key("size", int, default=3, choices=[3, 4], stage="configure")\n'
        'tags: Key[list[str]] = key("tags", list[str], default=["a"])\n'
        'a = ramdisk(size, read_only=True, name="disk")\nb = crunch(key("pages", str))\n'
        'register("a", main("hello:Hello", "job", size=size, tags=tags, x=a, y=b, z=None, v=1.5))'
    ),
    "a device of one's own": (
        'ENTRY = Entry("mirror", Block, {"*": "mirrors:Mirror"}, "Two disks.", {"left": Block, "right": Block})\n'
        "def mirror(left: Impl[Block], right: Impl[Block]) -> Impl[Block]:\n"
        "    made: Impl[Block] = device(ENTRY, left=left, right=right)\n"
        "    return made\n"
        'c = mirror(ramdisk(), if_(key("a", bool), ramdisk(name="b"), block_file()))'
    ),
}
WRONG_CONFIGS = {
    "poorer": ("a: Impl[KvTx] = directory()", "assignment", 'has type "Impl[KvRw]", variable has type "Impl[KvTx]"'),
    "another": ("a: Impl[KvRo] = ramdisk()", "assignment", 'has type "Impl[Block]", variable has type "Impl[KvRo]"'),
    "device in device": (
        "def over(disk: Impl[Block]) -> Impl[Block]:\n    return disk\na = over(memory_kv())",
        "arg-type",
        'incompatible type "Impl[KvTx]"; expected "Impl[Block]"',
    ),
    "branch": (
        "a: Impl[KvRo] = if_(key('a', bool), memory_kv(), ramdisk())",
        "arg-type",
        'incompatible type "Impl[Block]"; expected "Impl[KvRo]"',
    ),
    "branch of match": (
        "a: Impl[KvRo] = match(target, {'unix': crunch('.'), 'xen': console()})",
        "dict-item",
        '"Impl[Console]"',
    ),
    "condition": ("a = if_(True, ramdisk(), ramdisk())", "arg-type", 'expected "Value[bool]"'),
    "condition of another type": (
        "k = key('a', int)\na = if_(k, ramdisk(), ramdisk())",
        "arg-type",
        'expected "Value[bool]"',
    ),
    "None in a branch": ("a: Impl[Block] = if_(key('a', bool), ramdisk(), None)", "arg-type", 'expected "Impl[Block]"'),
    "default of another type": (
        'k = key("a", int, default="3")',
        "type-var",
        'variable "T" of "key" cannot be "object"',
    ),
    "type of no key": ("k = key('a', bytes)", "type-var", 'variable "T" of "key" cannot be "bytes"'),
    "path": ("a = crunch(3)", "arg-type", 'incompatible type "int"; expected "str | Key[str]"'),
    "key for a path": ("k = key('a', int)\na = crunch(k)", "arg-type", '"Key[int]"; expected "str | Key[str]"'),
    "size": ("a = ramdisk('big')", "arg-type", 'incompatible type "str"; expected "int | Key[int]"'),
    "argument": ("a = memory_kv(size=3)", "call-arg", 'Unexpected keyword argument "size"'),
    "stage": ("a = key('a', int, stage='run')", "arg-type", "Literal['configure', 'boot', 'both']"),
    "typed key": ("a: Key[int] = key('a', str)", "arg-type", 'expected "type[int]"'),
    "application": ("class App: ...\na = main(App)", "arg-type", 'expected "str"'),
    "object for a parameter": ("a = main('hello:Hello', x=object())", "arg-type", 'incompatible type "object"'),
    "no job": ("register('a', memory_kv())", "arg-type", 'expected "Job"'),
    "unknown device": ("from fata.config import crunsh", "attr-defined", '"crunsh"; maybe "crunch"?'),
}


class Change(NamedTuple):
    """An application as it was when main.py was written, and as it is now."""

    before: str
    after: str
    code: str
    text: str


def application(name: str, parameters: str) -> str:
    return f"""
from typing import Literal
from fata.device import Block, Console, KvRo, KvRw, KvTx

class {name}:
    def __init__(self, {parameters}) -> None: ...

{RUN}"""


CHANGES = {
    "contract": Change("a: KvRw", "a: KvTx", "arg-type", 'incompatible type "KvRw"; expected "KvTx"'),
    "other_contract": Change("a: KvRw", "a: Block", "arg-type", 'incompatible type "KvRw"; expected "Block"'),
    "one_more": Change("a: KvRw", "a: KvRw, b: Console", "call-arg", 'Missing positional argument "b"'),
    "one_less": Change("a: KvRw, b: Console", "a: KvRw", "call-arg", "Too many arguments"),
    "swapped": Change(
        "a: KvRw, b: Console", "b: Console, a: KvRw", "arg-type", 'incompatible type "KvRw"; expected "Console"'
    ),
    "key_type": Change("a: KvRw, *, n: int = 1", "a: KvRw, *, n: str = ''", "arg-type", 'type "int"; expected "str"'),
    "key_gone": Change("a: KvRw, *, n: int = 1", "a: KvRw", "call-arg", 'Unexpected keyword argument "n"'),
    "key_came": Change("a: KvRw", "a: KvRw, *, n: int", "call-arg", 'Missing named argument "n"'),
    "choice": Change(
        "a: KvRw, *, n: Literal['x', 'y'] = 'x'",
        "a: KvRw, *, n: Literal['x'] = 'x'",
        "index",
        "expected type \"Argument[Literal['x']]\"",
    ),
    "not_optional": Change(
        "a: KvRw, b: Block | None", "a: KvRw, b: Block", "arg-type", 'type "None"; expected "Block"'
    ),
    "list": Change(
        "a: KvRw, *, n: list[int]", "a: KvRw, *, n: list[str]", "index", 'expected type "Argument[list[str]]"'
    ),
}


def write_everything(folder: Folder) -> list[str]:
    """Write all files and return those that mypy is to read."""
    files = []
    for name, program in PROGRAMS.items():
        files.append(_write_main(folder, name, program))
    for name, change in CHANGES.items():
        config = f"register('a', main('{name}:App', a=directory('.')))\n"
        before = Program({f"{name}.py": application("App", change.before)}, config)
        files.append(_write_main(folder, name, before))
        folder.write({f"{name}.py": application("App", change.after)})
    contracts = "from fata.config import *\nfrom fata.device import Block, Console, KvRo, KvRw, KvTx\n"
    configs = {f"right {name}": text for name, text in RIGHT_CONFIGS.items()}
    configs |= {f"wrong {name}": text for name, (text, _, _) in WRONG_CONFIGS.items()}
    for name, text in configs.items():
        files.append(f"config_{re.sub('[^a-z]', '_', name)}.py")
        folder.write({files[-1]: f"{contracts}{text}\n"})
    return files


def _write_main(folder: Folder, name: str, program: Program) -> str:
    file = f"main_{name}.py"
    folder.write({file: program.write(folder).program(*program.words)})
    return file


Findings = Mapping[str, list[Finding]]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What mypy says, by file."""
    folder = Folder(tmp_path_factory.mktemp("types"))
    files = write_everything(folder)
    options = ["--strict", "--config-file=", "--no-error-summary", "--no-pretty", "--cache-dir", os.devnull]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files],
        cwd=folder.path,
        env={**os.environ, "MYPYPATH": os.pathsep.join([str(folder.path), str(OWN_SOURCE)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    found = defaultdict(list)
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(?P<file>\w+\.py):(?P<line>\d+): error: (?P<text>.*)  \[(?P<code>[a-z-]+)\]", line)
        assert match is not None or ": note: " in line, line
        if match is not None:
            found[match["file"]].append(Finding(int(match["line"]), match["text"], match["code"]))
    return found


def config_file(kind: str, name: str) -> str:
    return f"config_{kind}_{re.sub('[^a-z]', '_', name)}.py"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_of_a_right_project_passes(findings: Findings, name: str) -> None:
    assert findings.get(f"main_{name}.py", []) == []


@pytest.mark.parametrize("name", CHANGES)
def test_the_program_of_a_wrong_wiring_does_not_pass(findings: Findings, name: str) -> None:
    change = CHANGES[name]
    (finding, *_) = findings[f"main_{name}.py"]
    assert finding.code == change.code
    assert change.text in finding.text


@pytest.mark.parametrize("name", RIGHT_CONFIGS)
def test_a_right_config_passes(findings: Findings, name: str) -> None:
    assert findings.get(config_file("right", name), []) == []


@pytest.mark.parametrize("name", WRONG_CONFIGS)
def test_a_wrong_config_does_not_pass(findings: Findings, name: str) -> None:
    text, code, part = WRONG_CONFIGS[name]
    (finding,) = findings[config_file("wrong", name)]
    assert (finding.line, finding.code) == (2 + len(text.splitlines()), code)
    assert part in finding.text


@pytest.mark.parametrize("name", ["contract", "other_contract"])
def test_configure_refuses_the_same_wiring(folder: Folder, name: str) -> None:
    """What mypy finds in main.py, the plan has told before there was one."""
    folder.write({f"{name}.py": application("App", CHANGES[name].after)})
    folder.config(f"from fata.config import *\nregister('a', main('{name}:App', a=directory('.')))\n")
    assert "(a=…) needs a" in refusal(folder.plan).reason


@pytest.mark.parametrize("name", ["key_gone"])
def test_configure_refuses_a_key_that_is_not_there(folder: Folder, name: str) -> None:
    folder.write({f"{name}.py": application("App", CHANGES[name].after)})
    folder.config(f"from fata.config import *\nregister('a', main('{name}:App', a=directory('.'), n=1))\n")
    assert "has no parameter 'n'" in refusal(folder.plan).reason


def test_hello_is_among_them() -> None:
    assert PROGRAMS["hello"] is HELLO
