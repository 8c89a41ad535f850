"""git:// over our own TCP/IP, with git at the other end; and files without `mmap`, as in a unikernel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fata.irmin import BYTES, MemoryBackend, Repo
from fata.irmin.errors import RemoteError
from fata.irmin.sync import clone, mapping, push, remote
from fata.stack.direct import DirectStack
from tests.irmin.sync.servers import bare, daemon, git
from tests.peers.cable import KERNELS, run_on, tap
from tests.programs import needs

LARGE = os.urandom(3_000_000)  # more than waits on its way in or out


@pytest.mark.root
@pytest.mark.peer
@needs("git")
def test_git_is_cloned_from_and_pushed_to(tmp_path: Path) -> None:
    served = bare(tmp_path / "served" / "r.git")
    git(tmp_path, "clone", "--quiet", str(served), "work")
    (tmp_path / "work" / "large").write_bytes(LARGE)
    git(tmp_path / "work", "add", ".")
    git(tmp_path / "work", "commit", "--quiet", "--message", "first")
    git(tmp_path / "work", "push", "--quiet", "origin", "HEAD:main")

    async def main(url: str) -> None:
        there = remote(f"{url}/r.git")
        store = await clone(Repo(MemoryBackend(), BYTES, author="a <>"), there)
        assert await store.get("large") == LARGE
        await store.set("back", LARGE[::-1], message="back")
        await push(store, there)
        with pytest.raises(RemoteError, match="no/such"):
            await remote(f"{url}/no/such").refs()
        with pytest.raises(RemoteError, match="Connection refused"):
            await remote(f"git://{KERNELS}:1/r.git").refs()
        with pytest.raises(RemoteError, match="only git:// is spoken"):
            await remote(f"https://{KERNELS}/r.git").refs()

    with tap() as cable, cable.far.entered(), daemon(tmp_path / "served", KERNELS) as url:

        async def talk(_stack: DirectStack) -> None:
            await main(url)

        run_on(cable, talk)
    git(tmp_path / "work", "pull", "--quiet", "--ff-only")
    assert (tmp_path / "work" / "back").read_bytes() == LARGE[::-1]


def test_a_file_is_read_where_it_cannot_be_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pack"
    file.write_bytes(LARGE)
    with file.open("rb") as opened:
        opened.read(10)
        assert mapping.mapped(opened.fileno()) == LARGE
        monkeypatch.setitem(sys.modules, "mmap", None)  # as if there were none
        assert mapping.mapped(opened.fileno()) == LARGE
    mapping.provide_mmap()
    import mmap

    assert mmap is sys.modules["fata.irmin.sync.mapping"]


def test_what_is_there_is_left_alone() -> None:
    import mmap

    mapping.provide_mmap()
    assert sys.modules["mmap"] is mmap
