"""A runtime without its ELF file: the standard library of the Python that runs the tests, and what a guest has in C.

It is made once, in build/, from the same scripts as a real one, so the tests of what goes into an image need no
compiler.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path

from fata.target.image.distributions import Distribution, File, Shelf, shelf_of
from fata.target.image.finder import Findings, find
from fata.target.image.runtime import Runtime, load_runtime
from fata.target.image.standard import standard

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts" / "runtime"
READERS = ROOT / "src" / "fata" / "target" / "image"
LIBRARY_SCRIPTS = (SCRIPTS / "stdlib.py", SCRIPTS / "table.py", READERS / "imports.py", READERS / "guest.py")

# As Debian's static library has them, with those that the runtime's build adds.
IN_C = """
_abc _ast _asyncio _bisect _blake2 _cipher _codecs _collections _contextvars _csv _datetime _elementtree _functools
_hashlib _heapq _hw _imp _io _json _locale _md5 _opcode _operator _pickle _posixsubprocess _queue _random _sha1
_sha256 _sha3 _sha512 _signal _socket _sre _ssl _stat _statistics _string _struct _symtable _thread _tokenize
_tracemalloc _typing _warnings _weakref _zoneinfo array atexit binascii builtins cmath errno faulthandler fcntl gc
grp itertools marshal math posix pwd pyexpat select spwd sys syslog time unicodedata xxsubtype zlib
""".split()  # noqa: SIM905  # a list literal would be eighty lines
FROZEN = ["_collections_abc", "abc", "codecs", "encodings", "encodings.utf_8", "io", "os", "posixpath", "stat"]


def runtimes() -> Path:
    """Return a folder with a full and a lean runtime, made at the first call."""
    digest = hashlib.sha256(sys.version.encode())
    for path in LIBRARY_SCRIPTS:
        digest.update(path.read_bytes())
    folder = ROOT / "build" / "test-runtime" / digest.hexdigest()[:16]
    if not folder.is_dir():
        _make(folder)
    return folder


def _make(folder: Path) -> None:
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    archive = making / "stdlib.zip"
    for words in (("stdlib.py", sysconfig.get_path("stdlib"), archive), ("table.py", archive)):
        subprocess.run([sys.executable, "-I", SCRIPTS / words[0], *words[1:]], check=True)
    for profile in ("full", "lean"):
        lacking = {"_cipher", "_hashlib", "_ssl"} if profile == "lean" else set()
        manifest = {"profile": profile, "python": "3.11.2", "builtin": sorted(set(IN_C) - lacking), "frozen": FROZEN}
        (making / profile).mkdir()
        (making / profile / "manifest.json").write_text(
            json.dumps(manifest | {"floors": {"hello": 20, "asyncio": 28}}), encoding="utf-8"
        )
    try:
        making.rename(folder)
    except OSError:  # somebody else was quicker
        shutil.rmtree(making)


def full_runtime() -> Runtime:
    """Return the full one of them."""
    return load_runtime(runtimes() / "full")


def distribution(name: str, version: str = "1", **files: str) -> Distribution:
    """Make a distribution: `pack__mod="…"` is the module pack.mod; `speedups_so` is a compiled one."""
    content = {_path(key): text.encode() for key, text in files.items()}
    return Distribution(
        name, version, {path: File(f"site/{path}", partial(bytes, data)) for path, data in content.items()}
    )


def _path(key: str) -> str:
    path = key.replace("__", "/").replace("/init", "/__init__")
    return f"{path.removesuffix('_so')}.cpython-311-x86_64-linux-gnu.so" if path.endswith("_so") else f"{path}.py"


def find_in(folder: Path, shelf: Shelf | None = None, main: str = "import app\n") -> Findings:
    """Find what a program needs whose application lies in `folder`; by default from no distributions."""
    return find(main.encode(), folder, standard(full_runtime()), shelf_of([]) if shelf is None else shelf)


def write_tree(folder: Path, files: dict[str, str]) -> None:
    """Write source files by their paths."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
