"""Nothing is linked into the runtime whose notice does not travel with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts.runtime import licences
from tests.programs import RUNTIMES, needs_runtime

pytestmark = pytest.mark.slow  # in all, some seconds

MAP = """\
Archive member included to satisfy reference by file (symbol)

/usr/lib/x86_64-linux-gnu/libz.a(crc32.o)
                              main.o (crc32_z)

Memory Configuration

LOAD /usr/lib/x86_64-linux-gnu/crt1.o
LOAD /tree/build/runtime/work/kernel.o
LOAD /usr/lib/x86_64-linux-gnu/libexpat.a
 .text          0x0000000000430000      0x1a0 /usr/lib/x86_64-linux-gnu/libz.a(crc32.o)
"""
GPL_EXCEPTION = "RUNTIME LIBRARY EXCEPTION"


def test_what_is_linked_is_what_the_linker_took() -> None:
    found = licences.linked(MAP, Path("/tree/build/runtime"))
    assert {path.name for path in found} == {"libz.a", "crt1.o"}


def placed(link_map: str) -> set[str]:
    """Return the files of which the map places an input section that has a size, read apart from `licences.linked`."""
    rows = re.findall(r"^ \S+\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (/\S+?)(?:\(\S+\))?$", link_map, re.MULTILINE)
    return {str(Path(name).resolve()) for size, name in rows if int(size, 16)}


@needs_runtime()
@pytest.mark.parametrize("profile", ["lean", "full"])
def test_every_file_with_octets_in_the_runtime_has_a_notice(profile: str) -> None:
    link_map = (RUNTIMES / "work" / f"{profile}.map").read_text(encoding="utf-8")
    files = {name for name in placed(link_map) if not name.startswith(str(RUNTIMES))}
    assert {"libc.a", "libgcc.a", "libpython3.11.a", "libz.a"} <= {Path(name).name for name in files}
    for name in files:
        listing = subprocess.run(["dpkg-query", "-S", name], check=True, text=True, stdout=subprocess.PIPE).stdout
        notice = RUNTIMES / "licences" / listing.partition(":")[0]
        assert notice.is_file(), f"{name} is linked in, and the notice of its package is missing"
        assert notice.read_text(encoding="utf-8").strip()


@needs_runtime()
def test_the_texts_that_notices_name_are_there() -> None:
    folder = RUNTIMES / "licences"
    named = {
        text
        for notice in folder.iterdir()
        for text in re.findall(r"/usr/share/common-licenses/([\w.-]*\w)", notice.read_text(encoding="utf-8"))
    }
    assert named <= {path.name for path in folder.iterdir()}
    assert GPL_EXCEPTION in (folder / "libgcc-12-dev").read_text(encoding="utf-8").upper()
