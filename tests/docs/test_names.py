"""What the documentation names is there: files, folders, modules, and options of commands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from fata.config.keys import LAUNCHER_OPTIONS
from fata.tool.main import fata
from fata.tool.session import open_session
from tests.docs.guide import steps

ROOT = Path(__file__).parents[2]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "examples/README.md")
    ),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOLDERS = ("src", "tests", "examples", "benchmarks", "scripts", "docs", "kernel")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)\)")
SOURCE = re.compile(r"[\w./-]+\.(?:py|c|h|S|sh|md)")
POINTER = re.compile(r"\bdocs/(?:design|guides|spec|measurements)/[\w.-]+\.md")
MODULE = re.compile(r"(?<![\w./-])(?:fata|benchmarks|scripts|tests)(?:\.[A-Za-z_]\w*)+")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")
NO_FILES = ("/build/", "/site/", "/hello/", "/NAME/", "/fata/runtimes/")  # made by a reader of a guide; in the wheel
NO_MODULES = {"fata.lock", "fata.devices", "benchmarks.NAME"}  # a file, a group of entry points, any
NO_MODULES |= {"fata.entropy", "fata.snapshot"}  # words for the kernel
NO_OPTIONS = {"cuont", "nmae", "key", "no-key"}  # misspelled on purpose; for any key
NO_OPTIONS |= {"site"}  # a path for a store that is not wired
KEY = re.compile(r'\bkey\("([\w-]+)"|(\w+): \w+ = ')  # of an application that a guide writes
OTHERS = {"auto", "changed-paths", "commit", "head", "local", "oneline", "strict"}  # git's
OTHERS |= {"abi", "implementation", "only-binary", "platform"}  # pip's
OTHERS |= {"include", "silent", "cipher", "type", "dump-dom", "wrap"}  # curl's, cryptsetup's, Chromium's, base64's


def words(page: Path) -> Iterator[str]:
    """Yield the words of a page's code spans; what is shown in blocks is run by the tests of the guides."""
    for span in SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        yield from (word.strip(".,;:()…") for word in span.split())


def paths() -> set[str]:
    """Return every file and folder that is ours, from the root, beginning and ending with a slash."""
    found = [entry for folder in FOLDERS for entry in (ROOT / folder).rglob("*") if "__pycache__" not in entry.parts]
    found += [ROOT / folder for folder in FOLDERS] + list(ROOT.glob("*"))
    return {f"/{entry.relative_to(ROOT)}/" for entry in found}


def is_missing(word: str, ours: set[str]) -> bool:
    """Say whether a word is the name of a file or folder of ours that is not there."""
    named = f"/{word.strip('/')}/"
    if not re.fullmatch(r"[\w./-]+", word) or any(made in named for made in NO_FILES):
        return False
    is_ours = any(f"/{folder}/" in ours for folder in (word.partition("/")[0], f"src/fata/{word.partition('/')[0]}"))
    return bool(SOURCE.fullmatch(word) or ("/" in word and is_ours)) and not any(path.endswith(named) for path in ours)


def test_files_and_folders_exist() -> None:
    ours = paths()
    assert [(page.name, word) for page in PAGES for word in words(page) if is_missing(word, ours)] == []


def test_pages_that_the_source_points_to_exist() -> None:
    files = [
        file
        for folder in FOLDERS
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".c", ".h", ".S", ".sh")
    ]
    named = {(file.name, page) for file in files for page in POINTER.findall(file.read_text(encoding="utf-8"))}
    assert len(named) > 30
    assert [(file, page) for file, page in sorted(named) if not (ROOT / page).is_file()] == []


@pytest.mark.parametrize(
    ("word", "missing"),
    [
        ("stack/tcp.py", False),
        ("src/fata/stack/", False),
        ("ring.py", False),
        ("and/or", False),
        ("build/unix/main.py", False),
        ("stack/gone.py", True),
        ("src/fata/gone/", True),
        ("store/gone", True),
        ("gone.md", True),
    ],
)
def test_a_name_that_leads_nowhere_is_found(word: str, missing: bool) -> None:
    assert is_missing(word, paths()) == missing


def test_indexes_are_complete() -> None:
    docs = ROOT / "docs"
    linked = {(docs / link).resolve() for link in LINK.findall((docs / "README.md").read_text(encoding="utf-8"))}
    pages = {page for folder in ("guides", "design", "spec") for page in (docs / folder).glob("*.md")}
    assert pages - linked == set()
    listed = set(SPAN.findall((ROOT / "examples" / "README.md").read_text(encoding="utf-8")))
    assert {config.parent.name for config in (ROOT / "examples").glob("*/config.py")} - listed == set()


def test_modules_and_what_they_hold_exist() -> None:
    named = {(page.name, name) for page in PAGES for name in MODULE.findall(page.read_text(encoding="utf-8"))}
    assert [(page, name) for page, name in sorted(named) if name not in NO_MODULES and not resolves(name)] == []
    assert not resolves("fata.gone")
    assert not resolves("fata.errors.Gone")


def resolves(name: str) -> bool:
    """Say whether a dotted name is a module, or something in one."""
    base = ROOT / "src" if name.startswith("fata.") else ROOT
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place = base.joinpath(*parts[:count])
        if place.is_dir() or place.with_suffix(".py").is_file():
            return count == len(parts) or hasattr(import_module(".".join(parts[:count])), parts[count])
    return False


def options(command: click.Command) -> set[str]:
    """Return the long options of a command and of those beneath it, without the dashes."""
    found = {text[2:] for parameter in command.params for text in (*parameter.opts, *parameter.secondary_opts)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        inner = [command.get_command(context, name) for name in command.list_commands(context)]
        found = found.union(*(options(each) for each in inner if each is not None))
    return found


def test_options_exist() -> None:
    known = {*LAUNCHER_OPTIONS, *NO_OPTIONS, *OTHERS} | options(fata)
    for config in (ROOT / "examples").glob("*/config.py"):
        known |= {key.name for key in open_session([str(config.parent)], None).plan.keys}
    for folder in ("benchmarks", "scripts"):
        for file in (ROOT / folder).rglob("*.py"):
            known |= set(re.findall(r'"--([a-z-]+)"', file.read_text(encoding="utf-8")))
    for page in PAGES:
        for step in steps(page.read_text(encoding="utf-8")):
            known |= {key or parameter for key, parameter in KEY.findall(step.text) if step.file is not None}
    named = {(page.name, name) for page in PAGES for name in OPTION.findall(page.read_text(encoding="utf-8"))}
    assert [(page, name) for page, name in sorted(named) if name not in known] == []


def test_each_dependency_is_explained_with_its_version() -> None:
    page = (ROOT / "docs" / "design" / "dependencies.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", page, re.M))
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert told.items() - set(re.findall(r"^([\w-]+)==([\d.]+)", constraints, re.M)) == set()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = {
        re.split(r"[<>=]", text)[0] for text in (*project["dependencies"], *extras["mount"], *extras["encryption"])
    }
    assert needed - told.keys() == set()
    assert {name for text in extras["dev"] if (name := re.split(r"[<>=]", text)[0]) not in page} == set()
