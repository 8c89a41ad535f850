"""Which files of CPython's `Lib/test` a test module needs: itself, what it imports of the package, the data it names.

Read from the sources alone: an import of `test.x`, or a string that holds the name of a file or folder in `Lib/test`.
A package of tests comes whole.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALWAYS = ("__init__.py", "support")
NEVER = {"__pycache__", "libregrtest"}
ELSEWHERE = {"test_unittest": Path("unittest/test")}  # tests that lie in the package which they test


def library() -> Path:
    """Return `Lib` of the source that `make runtime` unpacks; FileNotFoundError when nobody has run it."""
    found = sorted((ROOT / "build" / "runtime" / "source").glob("python3.11-*/Lib"))
    if not found:
        raise FileNotFoundError("no source of CPython: `make runtime` unpacks it")
    return found[-1]


def builtin(profile: str = "full") -> frozenset[str]:
    """Return the modules in C that a runtime has."""
    return frozenset(json.loads((ROOT / "build/runtime" / profile / "manifest.json").read_text())["builtin"])


def all_modules(folder: Path) -> list[str]:
    """Name every test module and package of tests below Lib/test."""
    entries = (path for path in folder.glob("test_*") if path.suffix == ".py" or (path / "__init__.py").is_file())
    return sorted(path.stem for path in entries)


@functools.cache
def entries(folder: Path) -> dict[str, Path]:
    """Return what lies in Lib/test, by the names under which tests ask for it."""
    found = {path.name: path for path in folder.iterdir() if path.name not in NEVER}
    return found | {path.stem: path for path in found.values() if path.suffix == ".py"}


def needed(folder: Path, modules: list[str]) -> list[Path]:
    """Return the files that `modules` need, each once."""
    known = entries(folder)
    waiting = [known[name] for name in (*ALWAYS, *modules) if name in known]
    waiting += [folder.parent / ELSEWHERE[name] for name in modules if name in ELSEWHERE]
    taken: dict[Path, None] = {}
    while waiting:
        for path in files(waiting.pop()):
            if path in taken:
                continue
            taken[path] = None
            if path.suffix == ".py" and path.parent.name != "support":
                waiting += [known[name] for name in mentioned(path, frozenset(known))]
    return sorted(taken)


def files(entry: Path) -> Iterator[Path]:
    """Yield the files of an entry."""
    if entry.is_file():
        yield entry
    else:
        found = (path for path in sorted(entry.rglob("*")) if path.is_file())
        yield from (path for path in found if NEVER.isdisjoint(path.parts))


@functools.cache
def mentioned(path: Path, known: frozenset[str]) -> frozenset[str]:
    """Return the entries that a source names."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # some are there to be wrong
        return frozenset()
    return frozenset(name for node in ast.walk(tree) for name in names_in(node) if name in known)


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield what a node may name: modules of the package `test`, files in strings."""
    match node:
        case ast.Import(names=names):
            yield from (
                part for alias in names for part in alias.name.split(".")[1:2] if alias.name.startswith("test.")
            )
        case ast.ImportFrom(module="test", names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module)) if module.startswith("test."):
            yield module.split(".")[1]
        case ast.Constant(value=str(text)) if len(text) < 200:
            yield from text.replace("\\", "/").replace(".", "/").split("/")[:8]
            yield from text.split("/")[:8]
