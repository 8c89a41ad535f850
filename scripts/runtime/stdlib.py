"""Packs the standard library for the guest: `stdlib.zip`, all of it compiled, and `stdlib.json`, who imports whom.

Run by the Python whose library it is, which must be the guest's (3.11). Compiled modules name their sources as if they lay
in the image, carry the hash of their source, and are never compared with it. The table of imports is read from
the sources once, here, so that no build has to read them, and a tool on another Python can.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fata.target.image.compiled import EPOCH, compile_all
from fata.target.image.guest import VERSION
from fata.target.image.imports import Import, Need, read


def names(text: str) -> frozenset[str]:
    """Write a set as its words."""
    return frozenset(text.split())


LEFT_OUT = names(
    "test tests idlelib turtledemo ensurepip lib2to3 pydoc_data sitecustomize __phello__ __pycache__ "
    "site-packages dist-packages lib-dynload config-3.11-x86_64-linux-gnu"
)
"""Folders and modules that no application needs: tests, editors, installers, and what is no library."""

UNSEEN = {
    "_asyncio": ("asyncio.base_futures", "asyncio.coroutines", "asyncio.events", "asyncio.exceptions", "inspect"),
    "_elementtree": ("copy", "xml.etree.ElementPath"),
    "_json": ("json.decoder",),
    "_pickle": ("_compat_pickle", "codecs", "copyreg", "functools"),
    "_socket": ("encodings.idna",),
    "_warnings": ("warnings",),
    "_zoneinfo": ("zoneinfo._common", "zoneinfo._tzpath"),
    "importlib.resources": ("importlib.readers",),
}
"""Imports that no Python source shows: C code and frozen code do them."""

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


class Source(NamedTuple):
    """A module of the library."""

    name: str
    path: Path
    package: bool


def main() -> None:
    """Write both files into the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="folder of the runtime")
    output = parser.parse_args().output
    if sys.version_info[:2] != VERSION:
        raise SystemExit(f"the guest's Python is {VERSION}, and this is {sys.version_info[:2]}")
    output.mkdir(parents=True, exist_ok=True)
    sources = {source.name: source for source in find(Path(sysconfig.get_path("stdlib")))}
    write_zip(output / "stdlib.zip", sources)
    table = {name: row(source, sources) for name, source in sources.items()}
    for name, unseen in UNSEEN.items():
        entry = table.setdefault(name, {})
        entry["late"] = sorted({*entry.get("late", []), *unseen})
    data = {"python": sys.version.split()[0], "names": sorted(sys.stdlib_module_names), "modules": table}
    (output / "stdlib.json").write_text(json.dumps(data, indent=None, sort_keys=True) + "\n", encoding="utf-8")


def find(folder: Path) -> Iterator[Source]:
    """Yield every module below `folder`, sorted by path."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if LEFT_OUT.intersection(parts) or not all(part.isidentifier() for part in parts if "sysconfig" not in part):
            continue
        package = parts[-1] == "__init__"
        yield Source(".".join(parts[:-1] if package else parts), path, package)


def write_zip(file: Path, sources: dict[str, Source]) -> None:
    """Write the compiled modules."""
    inside = {source.name: inner_path(source) for source in sources.values()}
    compiled = compile_all(
        [(f"{inside[name]}.py", source.path.read_bytes()) for name, source in sources.items()], optimize=2
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in zip(sources, compiled, strict=True):
            archive.writestr(zipfile.ZipInfo(f"{inside[name]}.pyc", EPOCH), data)


def inner_path(source: Source) -> str:
    """Return where a module lies in the zip, without suffix."""
    return source.name.replace(".", "/") + ("/__init__" if source.package else "")


def row(source: Source, sources: dict[str, Source]) -> dict[str, list[str]]:
    """Return what a module imports, by need; each name under the strongest only."""
    content = source.path.read_bytes()
    tree = without_entrances(ast.parse(content))
    strongest: dict[str, Need] = {}
    for each in read(source.name, package=source.package, source=content, tree=tree).imports:
        for name in meant(each, sources):
            if each.need == Need.ALWAYS or follows(source.name, name, each.need):
                strongest[name] = max(each.need, strongest.get(name, Need.LATE))
    strongest.pop(source.name, None)
    return {
        need.name.lower(): sorted(name for name, found in strongest.items() if found == need)
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


def meant(each: Import, sources: dict[str, Source]) -> Iterator[str]:
    """Yield the modules that an import names: the module, and those of `names` that are its submodules."""
    yield each.module
    for name in each.names:
        if f"{each.module}.{name}" in sources:
            yield f"{each.module}.{name}"


if __name__ == "__main__":
    main()
