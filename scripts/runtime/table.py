"""Writes `stdlib.json` beside `stdlib.zip`: which modules of the guest's library import which, and when.

Read from the sources once, here, so that no build has to read them, and a tool on another Python can. Late imports
that no application needs are left out of the table, or every image would hold most of the library.
"""

from __future__ import annotations

import ast
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from fata.target.image.codecs import codec_module
from fata.target.image.distributions import module_name
from fata.target.image.imports import Import, Need, read


def names(text: str) -> frozenset[str]:
    """Write a set as its words."""
    return frozenset(text.split())


UNSEEN = {
    "_asyncio": ("asyncio.base_futures", "asyncio.coroutines", "asyncio.events", "asyncio.exceptions", "inspect"),
    "_elementtree": ("copy", "xml.etree.ElementPath"),
    "_json": ("json.decoder",),
    "_pickle": ("_compat_pickle", "codecs", "copyreg", "functools"),
    "_socket": ("encodings.idna",),
    "_warnings": ("warnings",),
    "_zoneinfo": ("zoneinfo._common", "zoneinfo._tzpath"),
    "importlib.resources": ("importlib.readers",),
    "sysconfig": ("_sysconfigdata__x86_64-linux-gnu",),
}
"""Imports that no Python source shows: C code and frozen code do them, or the name is computed."""

TERMINAL = names(
    "pydoc doctest pdb bdb cmd code unittest argparse optparse getopt site pickletools profile cProfile trace "
    "tracemalloc webbrowser xmlrpc http.server distutils turtle antigravity venv zipapp tarfile locale statistics dis"
)
PROCESSES = names("multiprocessing subprocess concurrent.futures.process pty")
UNLIKELY = TERMINAL | PROCESSES
"""What the library itself imports late or on a condition for a developer at a terminal, or for a second process.

An application that wants one of these imports it, and then it is packed. Followed, they would pull in everything: `os`
alone would come with 240 modules.
"""

ONLY_FOR_THEIR_IMPORTERS = {
    ("ast", "inspect"),  # ast.get_docstring
    ("functools", "typing"),  # singledispatch by annotation
    ("importlib._bootstrap_external", "importlib.metadata"),
    ("importlib._bootstrap_external", "importlib.readers"),
    ("shutil", "zipfile"),
    ("zipimport", "importlib.readers"),
    ("importlib.metadata", "email"),
}
"""Late imports of the library that matter only to who has imported their target anyway, or is very rare."""

ENTRANCES = frozenset({"main", "_main", "test", "_test"})
"""Functions of the library that only its command lines call."""


def main(archive: Path) -> None:
    """Write the table of the library in `archive`."""
    with zipfile.ZipFile(archive) as opened:
        sources = {module_name(path): opened.read(path) for path in opened.namelist() if path.endswith(".py")}
        packages = {module_name(path) for path in opened.namelist() if path.endswith("/__init__.py")}
    table = {name: row(name, name in packages, sources) for name in sources}
    for name, unseen in UNSEEN.items():
        entry = table.setdefault(name, {})
        entry["late"] = sorted({*entry.get("late", []), *unseen})
    data = {"names": sorted(sys.stdlib_module_names), "modules": table}
    archive.with_suffix(".json").write_text(json.dumps(data, sort_keys=True) + "\n", encoding="utf-8")


def row(name: str, package: bool, sources: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return what a module imports, by need; each name under the strongest only."""
    strongest: dict[str, Need] = {}
    tree = without_entrances(ast.parse(sources[name]))
    reading = read(name, package=package, source=sources[name], tree=tree)
    codecs = (codec_module(codec) for codec in reading.codecs)
    strongest.update({codec: Need.LATE for codec in codecs if codec in sources and codec is not None})
    for each in reading.imports:
        for imported in meant(each, sources):
            if each.need == Need.ALWAYS or follows(name, imported, each.need):
                strongest[imported] = max(each.need, strongest.get(imported, Need.LATE))
    strongest.pop(name, None)
    return {
        need.name.lower(): sorted(imported for imported, found in strongest.items() if found == need)
        for need in Need
        if need in strongest.values()
    }


def without_entrances(tree: ast.Module) -> ast.Module:
    """Leave out what only a command line calls."""
    tree.body = [each for each in tree.body if not (isinstance(each, ast.FunctionDef) and each.name in ENTRANCES)]
    return tree


def follows(importer: str, name: str, need: Need) -> bool:
    """Say whether an import that may never happen is to bring its module into the image."""
    if name in UNLIKELY or name.partition(".")[0] in UNLIKELY:
        return False
    return need == Need.GUARDED or (importer, name) not in ONLY_FOR_THEIR_IMPORTERS


def meant(each: Import, sources: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the modules that an import names: the module, and those of `names` that are its submodules."""
    yield each.module
    for name in each.names:
        if f"{each.module}.{name}" in sources:
            yield f"{each.module}.{name}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
