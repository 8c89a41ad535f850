"""What we hash, git hashes alike."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from fata.irmin import BYTES, MemoryBackend, Repo

pytestmark = [pytest.mark.virtual_time, pytest.mark.peer]

NAMES = [b"a", b"a.b", b"a-", b"a0", b"ab", b"b", b"\xff\xfe", "é".encode(), b"z z", b"40000 x", b"100644 a"]


def fast_import(directory: Path, commands: bytes) -> None:
    """Feed git."""
    subprocess.run(["git", "init", "-q", "--bare", directory], check=True)
    subprocess.run(["git", "-C", directory, "fast-import", "--quiet"], input=commands, check=True)


async def test_random_trees_have_git_s_ids(tmp_path: Path) -> None:
    rng = random.Random(8)
    store = await Repo(MemoryBackend(), BYTES).main()
    commands: list[bytes] = []
    ours = []
    for number in range(300):
        tree = await store.tree()
        lines = []
        for _ in range(rng.randrange(1, 4)):
            path = tuple(rng.choice(NAMES) for _ in range(rng.randrange(1, 4)))
            shown = tuple(step.decode("utf-8", "surrogateescape") for step in path)
            quoted = b'"%b"' % b"/".join(path).replace(b"\\", b"\\\\")
            if rng.random() < 0.3:
                tree = await tree.remove(shown)
                lines.append(b"D %b\n" % quoted)
            else:
                value = b"%d" % rng.randrange(5)
                tree = await tree.add(shown, value)
                lines.append(b"M 100644 inline %b\ndata %d\n%b\n" % (quoted, len(value), value))
        commit = await store.set_tree("", tree, allow_empty=True, message=f"number {number}", author="A <a@b>")
        assert commit is not None
        date = commit.info.date
        text = b"number %d\n" % number
        commands.append(b"commit refs/heads/main\nauthor A <a@b> %d +0000\ncommitter A <a@b> %d +0000\n" % (date, date))
        commands.append(b"data %d\n%b%b\n" % (len(text), text, b"".join(lines)))
        ours.append(commit.hex)
    fast_import(tmp_path, b"".join(commands))
    theirs = subprocess.run(
        ["git", "-C", tmp_path, "rev-list", "--reverse", "main"], check=True, capture_output=True, text=True
    )
    assert theirs.stdout.split() == ours
