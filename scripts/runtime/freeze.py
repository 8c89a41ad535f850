"""Derive which modules of the standard library go into the runtime itself, and write them as data to be linked.

Frozen are the modules that the interpreter loads to start at all and to tell an uncaught exception (the roots below),
with everything those import. What libpython has deep-frozen already is not frozen again: that would cost 0.3 MB and
boot time. Everything else an application imports travels in its own zip.
"""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOTS = ("encodings.utf_8", "encodings.ascii", "encodings.latin_1", "traceback", "zipimport")

# Runs in an interpreter of its own, with that interpreter's library, and so must not import anything for itself.
_PROBE = """
import _imp, sys
for root in sys.argv[1:]:
    __import__(root)
for name, module in sys.modules.items():
    if name != "__main__" and getattr(module, "__file__", "").endswith(".py") and not _imp.is_frozen(name):
        print(name)
"""


class Frozen(NamedTuple):
    """A module's name, whether it is a package, and its marshalled code."""

    name: str
    package: bool
    code: bytes


def reached(python: str, library: Path, roots: tuple[str, ...] = ROOTS) -> dict[str, Path]:
    """Return the source files of the modules that importing `roots` loads, by name."""
    command = [python, "-I", "-S", "-X", "frozen_modules=on", "-c", _PROBE, *roots]
    names = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    return {name: _source(library, name) for name in sorted(names)}


def _source(library: Path, name: str) -> Path:
    path = library.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def freeze(modules: dict[str, Path]) -> list[Frozen]:
    """Compile the modules without docstrings and asserts. Must run under the guest's Python: marshal is per version."""
    frozen = []
    for name, path in modules.items():
        code = compile(path.read_bytes(), f"<frozen {name}>", "exec", dont_inherit=True, optimize=2)
        frozen.append(Frozen(name, path.name == "__init__.py", marshal.dumps(code)))
    return frozen


def write(frozen: list[Frozen], folder: Path) -> None:
    """Write `frozen.bin`, and `frozen.c` with the table that points into it."""
    rows, blob = [], b""
    for module in frozen:
        rows.append(f'    {{"{module.name}", blob + {len(blob)}, {len(module.code)}, {int(module.package)}, NULL}},\n')
        blob += module.code
    (folder / "frozen.bin").write_bytes(blob)
    (folder / "frozen.c").write_text(
        '#include "modules.h"\n'
        '__asm__(".section .rodata\\n.balign 16\\nblob: .incbin \\"frozen.bin\\"\\n.previous\\n");\n'
        "extern const unsigned char blob[];\n"
        f"const struct _frozen frozen_modules[] = {{\n{''.join(rows)}    {{NULL}},\n}};\n"
    )


if __name__ == "__main__":
    library, target = Path(sys.argv[1]), Path(sys.argv[2])
    modules = reached(sys.executable, library)
    write(freeze(modules), target)
    (target / "frozen.json").write_text(json.dumps(list(modules)))
