"""The notices of what is linked into the runtime, derived from the linker's map.

The map names every object and archive member that the linker took. What is not built here belongs to a Debian package,
and each package has a notice. So nothing can be linked in whose notice is not shipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

NOTICES = Path("/usr/share/doc")
TEXTS = Path("/usr/share/common-licenses")

_MEMBER = re.compile(r"^(/\S+\.a)\(\S+\.o\)", re.MULTILINE)  # under "Archive member included to satisfy reference"
_LOADED = re.compile(r"^LOAD (/\S+\.o)$", re.MULTILINE)


def linked(link_map: str, built: Path) -> set[Path]:
    """Return the archives and objects of which the linker took something, but for what was made in the folder `built`.

    An archive that was named and not needed is not among them.
    """
    taken = {Path(name).resolve() for name in (*_MEMBER.findall(link_map), *_LOADED.findall(link_map))}
    return {path for path in taken if not path.is_relative_to(built.resolve())}


def packages(files: Iterable[Path]) -> set[str]:
    """Return the Debian packages that files belong to. Raises CalledProcessError for one that is of none."""
    words = ["dpkg-query", "-S", *(str(path) for path in sorted(files))]
    found = subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout
    return {line.partition(":")[0] for line in found.splitlines()}


def copy(names: Iterable[str], target: Path) -> None:
    """Copy the notices of packages into a new folder, and the longer texts that they name by their place in Debian."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in names:
        notice = (NOTICES / name / "copyright").read_text(encoding="utf-8")
        (target / name).write_text(notice, encoding="utf-8")
        for text in re.findall(rf"{TEXTS}/([\w.-]*\w)", notice):
            shutil.copyfile(TEXTS / text, target / text)
