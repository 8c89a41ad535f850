"""Several processes and git write one directory at once; some are killed. Nothing that was committed is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fata.irmin.backend.git import Durability, init
from tests.irmin.git import assert_sound, git

pytestmark = pytest.mark.peer

COMMITS = int(os.environ.get("FATA_IRMIN_COMMITS", "600"))  # 10,000 in the nightly run
KILLS = int(os.environ.get("FATA_IRMIN_KILLS", "6"))
WRITERS = 4
ROOT = Path(__file__).parents[2]


def writer(directory: Path, name: str, count: int, durability: Durability) -> subprocess.Popen[bytes]:
    """Start a writer."""
    command = [sys.executable, "-m", "tests.irmin.writer", str(directory), name, str(count), durability.value]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def subjects(directory: Path, branch: str = "main") -> list[str]:
    return git(directory, "log", "--format=%s", branch, "--").decode().splitlines()


def commit_by_git(work: Path, number: int) -> None:
    """Have `git commit` commit on the branch that is checked out: not main, for an index belongs to one commit."""
    (work / f"{number % 100}").write_text(f"{number}")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", f"git {number}")


def commit_on_main(work: Path, number: int) -> bool:
    """Have git make a commit on the branch that all others write; False if they were faster."""
    old = git(work, "rev-parse", "main").decode().strip()
    new = git(work, "commit-tree", f"{old}^{{tree}}", "-p", old, "-m", f"plumbing {number}").decode().strip()
    git(work, "update-ref", "refs/heads/main", new, old, check=False)
    return f"plumbing {number}" in subjects(work)[:60]


@pytest.mark.parametrize(("durability", "commits"), [(Durability.NONE, COMMITS), (Durability.SYNC, COMMITS // 4)])
def test_four_processes_and_git_lose_no_commit(tmp_path: Path, durability: Durability, commits: int) -> None:
    init(str(tmp_path), bare=False)
    count = commits // WRITERS
    writers = [writer(tmp_path, f"w{number}", count, durability) for number in range(WRITERS)]
    git(tmp_path, "symbolic-ref", "HEAD", "refs/heads/git")
    made = 0
    plumbed = []
    try:
        while any(each.poll() is None for each in writers):
            commit_by_git(tmp_path, made)
            if git(tmp_path, "for-each-ref", "refs/heads/main") and commit_on_main(tmp_path, made):
                plumbed.append(made)
            made += 1
        assert [each.wait() for each in writers] == [0] * WRITERS  # what they print fits into their pipes
    finally:
        for each in writers:
            each.kill()
            each.communicate()
    assert made
    wanted = [f"w{number} {step}" for number in range(WRITERS) for step in range(count)]
    wanted += [f"plumbing {number}" for number in plumbed]
    assert sorted(subjects(tmp_path)) == sorted(wanted)
    assert subjects(tmp_path, "git") == [f"git {number}" for number in reversed(range(made))]
    assert_sound(tmp_path)
    last = {f"w{number}/{step % 100}": f"{step}" for number in range(WRITERS) for step in range(count)}
    for path in random.Random(1).sample(sorted(last), 20):
        assert git(tmp_path, "show", f"main:{path}").decode() == last[path]


@pytest.mark.parametrize("durability", [Durability.NONE, Durability.SYNC])
def test_a_killed_writer_leaves_its_last_commit(tmp_path: Path, durability: Durability) -> None:
    init(str(tmp_path))
    rng = random.Random(5)
    for attempt in range(KILLS):
        child = writer(tmp_path, f"k{attempt}", 100_000, durability)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(rng.random() * 0.05)  # a moment that nobody chose is the point
        child.send_signal(signal.SIGKILL)
        told = [int(line) for line in child.communicate()[0].splitlines()]
        assert first == b"0\n"
        last = told[-1] if told else 0
        assert_sound(tmp_path)
        for lock in tmp_path.rglob("*.lock"):
            lock.unlink()  # as git asks its user to do
        newest = subjects(tmp_path)[0].split()
        assert newest[0] == f"k{attempt}"
        assert int(newest[1]) in (last, last + 1), "committed, and killed before it could say so"
