"""The archive of boot-time files, against the form's own description and against cpio."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.errors import ConfigError
from fata.target.virtio.cpio import write_cpio
from tests.programs import needs

GOLDEN = (
    b"070701" + b"00000001" + b"00008100" + b"00000000" * 2 + b"00000001" + b"00000000" + b"00000003" + b"00000000" * 4
) + (b"00000002" + b"00000000" + b"a\0" + b"xyz\0")
NAMES = st.from_regex(r"[a-zä]{1,9}(/[a-z.]{0,3}[a-z]){0,2}", fullmatch=True)


def members(archive: bytes) -> dict[str, bytes]:
    """Read an archive as the kernel does."""
    found: dict[str, bytes] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        size, name_size = (int(archive[at + start : at + start + 8], 16) for start in (54, 94))
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        data = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            assert len(archive) == data
            return found
        found[name] = archive[data : data + size]
        at = (data + size + 3) & ~3


def test_one_file() -> None:
    assert write_cpio({"a": b"xyz"}).startswith(GOLDEN)


@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=5))
def test_what_is_written_is_read(files: dict[str, bytes]) -> None:
    assert members(write_cpio(files)) == files


@pytest.mark.parametrize("name", ["/etc", "../x", "a/../b", "a//b", "", "TRAILER!!!", "x" * 113, "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a name for a file of the guest"):
        write_cpio({name: b""})


@needs("cpio")
@pytest.mark.peer
def test_cpio_reads_it(tmp_path: Path) -> None:
    archive = write_cpio({"key.pem": b"secret\n", "b/c": b""})
    done = subprocess.run(["cpio", "-it", "--quiet"], input=archive, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [b"b/c", b"key.pem"]
