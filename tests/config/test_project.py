"""Loading what the user names: config.py, or an application alone; every mistake at its file and line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fata.config import main, package, register
from fata.config.offer import installed
from fata.config.plan import make_plan
from fata.config.project import Project, load
from fata.config.registry import Package
from fata.config.where import Where
from tests.config.conftest import OWN_SOURCE, Folder, assert_blames, line_of, refusal

APP = "class App:\n    async def run(self) -> None: ...\n"
GOOD = "from fata.config import main, register\n\nregister('shop', main('app:App'))\n"


def test_a_folder_is_a_project(folder: Folder) -> None:
    project = folder.app(APP).config(GOOD).project()
    assert (project.name, project.directory, project.config) == ("shop", folder.path, folder.path / "config.py")
    (job,) = project.jobs
    assert (job.application, job.name, job.wiring) == ("app:App", None, {})
    assert job.where == Where(str(folder.path / "config.py"), 3)
    assert project.packages == ()


def test_a_relative_folder_is_one_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.app(APP).config(GOOD)
    monkeypatch.chdir(folder.path)
    assert load(".").directory == folder.path
    monkeypatch.chdir(folder.path.parent)
    assert load(folder.path.name).directory == folder.path
    assert load(folder.path.name + "/").directory == folder.path


ALONE = {
    "app:Www": ("www", "app:Www"),
    "main:Two_Words": ("two-words", "main:Two_Words"),
    "shop:App": ("shop", "shop:App"),
    "shop.web:App": ("shop-web", "shop.web:App"),
    "deep/shop:App": ("shop", "shop:App"),
    "./shop:App": ("shop", "shop:App"),
}


@pytest.mark.parametrize(("subject", "expected"), ALONE.items(), ids=ALONE.keys())
def test_an_application_alone_is_a_project(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, subject: str, expected: tuple[str, str]
) -> None:
    (folder.path / "deep").mkdir()
    monkeypatch.chdir(folder.path)
    project = load(subject)
    assert (project.name, project.jobs[0].application) == expected
    assert project.directory == (folder.path / "deep" if subject.startswith("deep") else folder.path)
    assert project.config is None


def test_packages_and_the_lines_that_ask_for_them_are_kept(folder: Folder) -> None:
    folder.app(APP).config("from fata.config import main, package, register\npackage('starlette>=1')\n" + GOOD)
    assert folder.project().packages == (Package("starlette>=1", Where(str(folder.path / "config.py"), 2)),)


def test_a_config_may_import_what_stands_beside_it(folder: Folder) -> None:
    """The line blamed is the one of config.py, from where the user reads on."""
    folder.write({"pages.py": "from fata.config import crunch\ndef site(): return crunch('.')\n"})
    folder.app(APP).config(
        "from pages import site\nfrom fata.config import *\nregister('a', main('app:App', x=site()))\n"
    )
    (job,) = folder.project().jobs
    assert str(folder.path) not in sys.path
    assert getattr(job.wiring["x"], "where", None) == Where(str(folder.path / "config.py"), 3)


def test_what_is_installed_below_the_folder_stays_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a .venv: loaded twice, a device's contract would not be itself any more."""
    folder = Folder(tmp_path).app(APP).write({".venv/lib/shelf_of_a_test/__init__.py": ""})
    folder.config(f"import shelf_of_a_test\n{GOOD}")
    monkeypatch.syspath_prepend(tmp_path / ".venv" / "lib")
    folder.project()
    first = sys.modules["shelf_of_a_test"]
    folder.project()
    assert sys.modules.pop("shelf_of_a_test") is first


def test_what_stands_beside_a_config_is_read_anew_each_time(folder: Folder) -> None:
    folder.app(APP).config("from names import NAME\nfrom fata.config import *\nregister(NAME, main('app:App'))\n")
    for name in ("one", "another"):
        folder.write({"names.py": f"NAME = {name!r}\n"})
        assert folder.project().name == name


NOT_THERE: dict[str, tuple[str, list[str]]] = {
    "no folder": ("gone", ["there is no folder", "gone", "module:Class"]),
    "no config.py": (".", ["there is no config.py in", "fata new NAME"]),
    "a folder for a config.py": ("folder", ["there is no config.py in"]),
    "no folder of an application": ("gone/app:App", ["there is no folder gone", "folder/module:name"]),
}


@pytest.mark.parametrize(("subject", "parts"), NOT_THERE.values(), ids=NOT_THERE.keys())
def test_what_is_not_there_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, subject: str, parts: list[str]
) -> None:
    (folder.path / "folder" / "config.py").mkdir(parents=True)
    monkeypatch.chdir(folder.path)
    error = refusal(lambda: load(subject))
    assert [part for part in parts if part not in str(error)] == [], str(error)


BROKEN: dict[str, tuple[str | bytes, int | None, list[str]]] = {
    "a parenthesis": ("x = 1\nregister(", 2, ["syntax error: '(' was never closed", "Mend the syntax"]),
    "indentation": ("x = 1\n  y = 2\n", 2, ["syntax error: unexpected indent"]),
    "not UTF-8": (b"x = 1\ny = '\xff'\n", 2, ["utf-8"]),
    "an encoding that is none": (b"# coding: klingon\n", None, ["klingon"]),
    "NUL": (b"x = 1\n\0\n", None, ["null bytes"]),
    "an exception": ("x = 1\n\ny = 1 / 0\n", 3, ["ZeroDivisionError: division by zero", "Mend this line"]),
    "an exception deep inside": ("import json\njson.loads('{')\n", 2, ["JSONDecodeError"]),
    "an exception in a function of its own": (
        "def f():\n    return {}['x']\n\nf()\n",
        2,
        ["KeyError: 'x'", "Mend this line"],
    ),
    "an exception without a text": ("raise NotImplementedError\n", 1, ["NotImplementedError"]),
    "sys.exit": ("import sys\nsys.exit('no')\n", 2, ["SystemExit: no"]),
    "a module that is not there": ("import surely_not_there\n", 1, ["ModuleNotFoundError", "surely_not_there"]),
    "a name that is not there": (
        "import fata.config\n\nfata.config.crunsh('x')\n",
        3,
        ["unknown device 'crunsh'", "'crunch'"],
    ),
    "an unknown device": ("from fata.config import crunsh\n", 1, ["unknown device 'crunsh'", "Did you mean 'crunch'?"]),
    "a device like no other": ("from fata.config import zzzzz\n", 1, ["unknown device 'zzzzz'", "fata help devices"]),
    "nothing registered": ("x = 1\n", 1, ["nothing is registered", 'register("name"']),
    "empty": ("", 1, ["nothing is registered"]),
    "registered twice": (GOOD + "\nregister('other', main('app:App'))\n", 5, ["before, on line 3", "all jobs to one"]),
    "no job": ("from fata.config import *\nregister('shop')\n", 2, ["'shop' has no job", "main("]),
    "no job but its name": ("from fata.config import *\nregister('shop', 'app:App')\n", 2, ["'app:App' is no job"]),
    "an application for a job": (
        "from fata.config import *\nregister('shop', memory_kv())\n",
        2,
        ["is no job", 'register("name", main('],
    ),
    "an empty name": (
        "from fata.config import *\nregister('', main('app:App'))\n",
        2,
        ["'' is not a name for a program"],
    ),
    "a name with a slash": (
        "from fata.config import *\nregister('a/b', main('app:App'))\n",
        2,
        ["'a/b' is not a name"],
    ),
    "a name with a space": ("from fata.config import *\nregister('a b', main('app:App'))\n", 2, ["is not a name"]),
    "a name that leaves the folder": (
        "from fata.config import *\nregister('..', main('app:App'))\n",
        2,
        ["is not a name"],
    ),
}


@pytest.mark.parametrize(("config", "line", "parts"), BROKEN.values(), ids=BROKEN.keys())
def test_a_mistake_in_config_is_told_at_its_line(
    folder: Folder, config: str | bytes, line: int | None, parts: list[str]
) -> None:
    file = folder.app(APP).path / "config.py"
    file.write_bytes(config if isinstance(config, bytes) else config.encode())
    path = list(sys.path)
    error = refusal(folder.project)
    assert sys.path == path
    if line is None:
        assert error.file == str(file)
        assert [part for part in parts if part not in str(error)] == [], str(error)
    else:
        assert_blames(error, file, line, *parts)


def test_a_mistake_in_what_config_imports_is_blamed_on_the_import(folder: Folder) -> None:
    folder.write({"broken_beside.py": "x = 1\ny = (\n"}).app(APP).config("x = 1\nimport broken_beside\n")
    assert_blames(refusal(folder.project), folder.path / "config.py", 2, "SyntaxError", "broken_beside.py, line 2")


def test_an_interrupt_is_not_a_mistake(folder: Folder) -> None:
    folder.app(APP).config("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        folder.project()


OUTSIDE: dict[str, Callable[[], object]] = {
    "register": lambda: register("shop", main("app:App")),
    "package": lambda: package("starlette"),
}


@pytest.mark.parametrize(("name", "call"), OUTSIDE.items(), ids=OUTSIDE.keys())
def test_a_call_that_nobody_listens_to_is_refused(name: str, call: Callable[[], object]) -> None:
    error = refusal(call)
    assert f"{name}() was called, but nobody is reading" in error.reason
    assert error.file == __file__


def test_one_project_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    names = []
    for name in ("one", "two"):
        folder = Folder(tmp_path / name).app(APP).config(GOOD.replace("shop", name))
        project: Project = load(str(folder.path), (OWN_SOURCE,))
        names.append(project.name)
    assert names == ["one", "two"]


APPLICATION = {
    "missing module": ("gone:App", ["there is no module 'gone'", "beside config.py"]),
    "missing name": ("app:Appp", ["module 'app' has no 'Appp'", "Did you mean app:App?"]),
    "no name": ("app", ["'app' names no application", "module:Class"]),
}


@pytest.mark.parametrize(("subject", "parts"), APPLICATION.values(), ids=APPLICATION.keys())
def test_an_application_that_is_not_there_is_told_at_mains_line(folder: Folder, subject: str, parts: list[str]) -> None:
    folder.app(APP).config(GOOD.replace("app:App", subject))
    file = folder.path / "config.py"
    assert_blames(refusal(folder.plan), file, line_of(file, "main("), *parts)


def test_an_application_alone_that_is_not_there_has_no_line(folder: Folder) -> None:
    folder.app(APP)
    error = refusal(lambda: make_plan(load(f"{folder.path}/app:Ap", (OWN_SOURCE,)), installed(), "unix"))
    assert (error.file, error.line) == (None, None)
    assert "Did you mean app:App?" in error.remedy
