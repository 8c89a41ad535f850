"""Make the image of a batch: the runner, the whole standard library as the runtime packs it, and the tests' own files.

The library is what applications get: compiled without docstrings and asserts. Modules whose docstrings a test asks for
are compiled with them (`docstrings`). The tests themselves are compiled as they stand, asserts and all.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import json
import marshal
import sys
import warnings
import zipfile
from pathlib import Path

from fata.target.image.elf import embed
from tests.cpython import guest, tree
from tests.cpython.listing import the_modules

RUNTIME = tree.ROOT / "build" / "runtime"
COMPILED = tree.ROOT / "build" / "cpython"  # byte code by the hash of its source
# What the runtime has frozen is imported from the zip: the same code, but with source lines that tracebacks can show.
MAIN = """import sys
finders = sys.meta_path[:]
sys.meta_path.sort(key=lambda finder: finder.__name__ == "FrozenImporter")
import guest
sys.meta_path[:] = finders
guest.main(sys.argv[1:])
"""
GUEST_MAGIC = (3495).to_bytes(2, "little") + b"\r\n"  # of Python 3.11's pyc files


def make_listed(modules: list[str]) -> bytes:
    """Return the image that runs `modules`, with the docstrings that modules.txt says they ask for."""
    asked = {row.name: row.docstrings for row in the_modules()}
    return make(modules, frozenset().union(*(asked.get(name, frozenset()) for name in modules)))


def make(modules: list[str], docstrings: frozenset[str] = frozenset(), folder: Path | None = None) -> bytes:
    """Return the image that runs `modules` of the package `test` in `folder`, which is called `test` as well.

    Its words are those of `guest.main`.
    """
    folder = folder or tree.library() / "test"
    buffer = io.BytesIO(library())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("__main__.py", MAIN)
        archive.writestr("guest.py", Path(guest.__file__).read_bytes())
        for name in sorted(docstrings):
            with_docstrings(archive, name)
        for path in tree.needed(folder, modules):
            add(archive, path, guest.PACKED + path.relative_to(folder.parent).as_posix())
    return embed((RUNTIME / "full" / "fata.elf").read_bytes(), buffer.getvalue())


@functools.cache
def library() -> bytes:
    """Return a zip of the standard library, stored; a second entry of a name, as in `make`, hides the first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(RUNTIME / "stdlib.zip") as packed, zipfile.ZipFile(buffer, "w") as archive:
        for name in packed.namelist():
            archive.writestr(zipfile.ZipInfo(name), packed.read(name))
    return buffer.getvalue()


def with_docstrings(archive: zipfile.ZipFile, name: str) -> None:
    """Add the byte code of a library module with its docstrings."""
    stem = tree.library().joinpath(*name.split("."))
    path = stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
    inside = path.relative_to(tree.library()).with_suffix(".pyc").as_posix()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Duplicate name": meant
        archive.writestr(inside, code_of(path.read_bytes(), f"/app.zip/{inside[:-1]}"))


def add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Add a file; a module with its byte code, which takes emulated machines long to make."""
    octets = path.read_bytes()
    archive.writestr(zipfile.ZipInfo(name), octets)
    if path.suffix == ".py" and importlib.util.MAGIC_NUMBER == GUEST_MAGIC:
        code = code_of(octets, f"{guest.TREE}/{name.removeprefix(guest.PACKED)}")
        if code:
            cached = Path(name).parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"
            archive.writestr(zipfile.ZipInfo(cached.as_posix()), code)


def code_of(source: bytes, name: str) -> bytes:
    """Return an unchecked pyc, b"" for what is no Python; kept, since the same sources come every day."""
    key = hashlib.sha256(json.dumps([name, sys.version]).encode() + source).hexdigest()
    kept = COMPILED / f"{key}.pyc"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # some tests are about what is deprecated
                code = compile(source, name, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError):  # some are there to be wrong
            kept.write_bytes(b"")
        else:
            head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
            kept.write_bytes(head + marshal.dumps(code))
    return kept.read_bytes()
