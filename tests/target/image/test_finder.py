"""Which modules a program reaches, and what cannot be in an image: each rule on a small tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fata.errors import ConfigError
from fata.target.image.distributions import Distribution, installed_shelf, shelf_of
from fata.target.image.finder import Findings, find
from fata.target.image.standard import standard
from fata.target.program import write_program
from fata.tool.session import open_session
from tests.images import ROOT, distribution, find_in, full_runtime, write_tree


def own(findings: Findings) -> list[str]:
    return [found.name for found in findings.modules]


def refused(folder: Path, *distributions: Distribution) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        find_in(folder, shelf_of(distributions))
    return caught.value


def test_imports_are_followed_to_any_depth_and_nothing_is_imported(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "app.py": "import pack.deep\ndef f():\n    from late import x\nraise SystemExit('was imported')\n",
            "pack/__init__.py": "",
            "pack/deep.py": "from . import beside\nfrom .other import name\n",
            "pack/beside.py": "",
            "pack/other.py": "import pack\n",
            "pack/alone.py": "",
            "late.py": "import app\n",
        },
    )
    assert own(find_in(tmp_path)) == ["app", "late", "pack", "pack.beside", "pack.deep", "pack.other"]


def test_a_folder_without_init_is_a_package_too(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import lib.data\n", "lib/data.py": ""})
    assert own(find_in(tmp_path)) == ["app", "lib.data"]


def test_of_the_library_only_what_is_reached_is_there(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import json\n"})
    standard = find_in(tmp_path).standard
    assert {"json.decoder", "json.encoder", "_json", "re", "enum"} <= standard
    assert not {"asyncio", "argparse", "unittest", "email", "typing", "socket"} & standard


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("x = 'ü'.encode('idna')", "encodings.punycode"),
        ("import time\ntime.strptime('1', '%d')", "_strptime"),
        ("import socket", "encodings.idna"),
        ("import zipfile", "encodings.cp437"),
        ("from importlib import resources", "importlib.readers"),
    ],
)
def test_what_no_import_statement_names_is_there_too(tmp_path: Path, source: str, module: str) -> None:
    write_tree(tmp_path, {"app.py": source})
    assert module in find_in(tmp_path).standard


def test_a_guarded_import_may_fail(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "try:\n    import sqlite3\n    import nowhere\nexcept ImportError:\n    pass\n"})
    findings = find_in(tmp_path)
    assert "sqlite3" not in findings.standard
    assert [note.text for note in findings.notes] == ["app imports 'nowhere', which is not there"]


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        (
            "import json\nimport subprocess\n",
            2,
            "imports 'subprocess', which cannot work in the guest: there is one process",
        ),
        ("import multiprocessing.pool\n", 1, "imports 'multiprocessing', which cannot work"),
        ("def f():\n    import sqlite3\n", 2, "imports 'sqlite3', which the guest lacks: _sqlite3 is C code"),
        ("import ctypes\n", 1, "imports 'ctypes', which the guest lacks: _ctypes is C code"),
        ("import tkinter\n", 1, "imports 'tkinter', which the guest lacks: there is no display"),
        ("import curses.ascii\n", 1, "imports 'curses', which the guest lacks: _curses is C code"),
        ("import winreg\n", 1, "it is for Windows"),
        ("import json.nowhere\n", 1, "imports 'json.nowhere', which the guest lacks: there is no json.nowhere"),
        ("import os\n\nos.fork()\n", 3, "uses os.fork, and the guest has one process"),
        ("import os\nclass C:\n    def f(self):\n        os.execv('a', [])\n", 4, "uses os.execv"),
        ("import nowhere.deep\n", 1, "imports 'nowhere', which is not there"),
        ("import importlib\nimportlib.import_module('nowhere')\n", 2, "imports 'nowhere', which is not there"),
        ("x = 1\ndef f(:\n", 2, "cannot be read"),
    ],
)
def test_the_application_is_refused_at_file_and_line(tmp_path: Path, source: str, line: int, reason: str) -> None:
    write_tree(tmp_path, {"app.py": source})
    error = refused(tmp_path)
    assert reason in error.reason
    assert (error.file, error.line) == (str(tmp_path / "app.py"), line)
    assert error.remedy


def test_an_own_module_may_not_have_the_name_of_one_of_the_library(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import queue\n", "queue.py": ""})
    error = refused(tmp_path)
    assert "module 'queue' has the name of one of the standard library" in error.reason
    assert error.line == 1


def test_a_syntax_that_is_newer_than_the_guest_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "x = 1\ntype Alias = int\n"})
    error = refused(tmp_path)
    assert error.line == 2
    assert "The guest's Python is 3.11" in error.remedy


def test_what_works_in_part_is_remarked(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import socket\n"})
    (note,) = find_in(tmp_path).notes
    assert note.text == "app imports 'socket': there are no sockets of a host; ask for a Stack"
    assert str(note).startswith(f"{tmp_path / 'app.py'}:1: note: ")


def test_a_computed_import_is_remarked(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import importlib\nimportlib.import_module(input())\n"})
    (note,) = find_in(tmp_path).notes
    assert "imports what only running can tell" in note.text
    assert note.where.line == 2


# ---- distributions


def test_a_reached_distribution_is_packed_whole_but_followed_only_where_it_is_reached(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    dist = distribution("dist", dist__init="from . import used", dist__used="", dist__unused="import nowhere, sqlite3")
    findings = find_in(tmp_path, shelf_of([dist]))
    assert own(findings) == ["app", "dist", "dist.used"]
    assert findings.distributions == (dist,)
    assert "dist/unused.py" in list(dist.packed())


def test_a_distribution_that_is_only_reached_through_another_is_there(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import one\n"})
    shelf = shelf_of(
        [distribution("One", one="import two"), distribution("two", two=""), distribution("three", three="")]
    )
    findings = find_in(tmp_path, shelf)
    assert [each.name for each in findings.distributions] == ["One", "two"]
    assert findings.direct == {"One"}


def test_the_library_that_hidden_modules_need_is_there_when_names_are_computed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    files = {"dist__init": "import importlib\nimportlib.import_module(x)", "dist__plugin": "import colorsys, nowhere"}
    assert "colorsys" in find_in(tmp_path, shelf_of([distribution("dist", **files)])).standard
    plain = distribution("dist", **files | {"dist__init": ""})
    assert "colorsys" not in find_in(tmp_path, shelf_of([plain])).standard


def test_a_compiled_module_with_a_pure_twin_is_left_out_with_a_note(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist.fast\n"})
    dist = distribution("dist", dist__init="", dist__fast="", dist__fast_so="")
    findings = find_in(tmp_path, shelf_of([dist]))
    assert [note.text for note in findings.notes] == ["'dist.fast' is packed as Python; its compiled twin is left out"]
    assert list(dist.packed()) == ["dist/__init__.py", "dist/fast.py"]


def test_a_guarded_compiled_module_is_left_out_with_a_note(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    source = "try:\n    from dist import fast\nexcept ImportError:\n    fast = None\n"
    findings = find_in(tmp_path, shelf_of([distribution("dist", dist__init=source, dist__fast_so="")]))
    (note,) = findings.notes
    assert note.text == "'dist.fast' is compiled and left out; the import is guarded"
    assert note.where.line == 2


def test_an_unguarded_compiled_module_is_refused_by_module_file_and_line(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    dist = distribution("dist", dist__init="\n\nfrom dist import fast", dist__fast_so="")
    error = refused(tmp_path, dist)
    assert re.match(r"dist imports 'dist.fast', which is compiled \(site/dist/fast.cpython-.*\.so\)", error.reason)
    assert (error.file, error.line) == ("site/dist/__init__.py", 3)


@pytest.mark.parametrize(
    "guard", ["try:\n    import dist\nexcept ImportError:\n    pass\n", "def f():\n    import dist\n"]
)
def test_a_distribution_that_fails_is_no_mistake_where_its_import_may_fail(tmp_path: Path, guard: str) -> None:
    write_tree(tmp_path, {"app.py": guard})
    find_in(tmp_path, shelf_of([distribution("dist", dist="import sqlite3, nowhere")]))


def test_a_distribution_is_judged_by_the_surest_way_to_it(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "def f():\n    import dist\nimport between\n", "between.py": "import dist\n"})
    error = refused(tmp_path, distribution("dist", dist="import sqlite3"))
    assert (error.file, error.line) == ("site/dist.py", 1)
    assert "_sqlite3 is C code" in error.reason


def test_a_distribution_may_import_what_cannot_work(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import dist\n"})
    dist = distribution("dist", dist__init="import subprocess\nfrom . import two", dist__two="import subprocess")
    findings = find_in(tmp_path, shelf_of([dist]))
    assert "subprocess" in findings.standard
    (note,) = findings.notes  # one for all its modules
    assert "which does not work in the guest: there is one process" in note.text


@pytest.mark.parametrize("example", ["asgi", "www"])
def test_the_examples_with_a_network_can_be_packed(example: str) -> None:
    session = open_session([str(ROOT / "examples" / example)], "unix")  # their network is not on virtio yet
    program = write_program(session.graph(), "0").encode()
    findings = find(program, session.project.directory, standard(full_runtime()), installed_shelf())
    names = {each.name for each in findings.distributions}
    assert names >= ({"starlette", "anyio", "h11"} if example == "asgi" else {"h11"})
    assert all("subprocess" in note.text for note in findings.notes), findings.notes
