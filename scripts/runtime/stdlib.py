"""Pack the guest's standard library, from which an image takes the modules that its application reaches.

Every module is there twice: its source, for tracebacks, and its code compiled by the guest's own Python (an unchecked
pyc, without docstrings), since the Python that builds an image may be of another version.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
import sysconfig
import zipfile
from pathlib import Path

# What needs a display, a compiler, a process or a package index, and the tests.
LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "distutils",
    "msilib",
    "__pycache__",
}
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first date: the archive must not depend on when it was made


def _pyc(source: bytes, name: str) -> bytes:
    code = compile(source, f"/app.zip/{name}", "exec", dont_inherit=True, optimize=2)
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    return header + marshal.dumps(code)


def how_built() -> list[Path]:
    """Return the module that `sysconfig` asks how Python was built: made by the build, so no source tree has it."""
    found = Path(sysconfig.get_path("stdlib")).glob("_sysconfigdata_*.py")
    return sorted(path for path in found if not path.is_symlink())


def pack(library: Path, target: Path) -> None:
    """Write `target` from the source tree's Lib/. Must run under the guest's own Python."""
    modules = {path.relative_to(library): path for path in library.rglob("*.py")}
    modules |= {Path(path.name): path for path in how_built()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(modules.items()):
            if not LEFT_OUT.isdisjoint(name.parts):
                continue
            source = path.read_bytes()
            archive.writestr(zipfile.ZipInfo(name.as_posix(), EPOCH), source, zipfile.ZIP_DEFLATED)
            compiled = zipfile.ZipInfo(name.with_suffix(".pyc").as_posix(), EPOCH)
            archive.writestr(compiled, _pyc(source, name.as_posix()), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
