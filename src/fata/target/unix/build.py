"""An executable file: main.py, the application's own modules and the files it packs, in one zip.

fata and installed packages are not in it; they come from the interpreter that the first line names.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from fata.config.graph import Graph
from fata.config.lock import replace
from fata.target.output import folder
from fata.target.reach import own_modules

EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first date, so that equal inputs give equal octets


def build(graph: Graph, main: Path, files: list[Path]) -> Path:
    """Write `build/unix/NAME`, executable, and return it."""
    buffer = io.BytesIO()
    buffer.write(f"#!{sys.executable} -P\n".encode())
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "__main__.py", main.read_bytes())
        for module in own_modules(graph):
            _add(archive, module.path.relative_to(graph.project.directory).as_posix(), module.path.read_bytes())
        for file in files:
            _add(archive, file.name, file.read_bytes())
    output = folder(graph) / graph.project.name
    replace(output, buffer.getvalue())
    output.chmod(0o755)
    return output


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)
