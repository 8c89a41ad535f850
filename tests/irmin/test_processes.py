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

from fata.irmin.backend.git import init
from tests.irmin.git import assert_sound, git

pytestmark = pytest.mark.peer

COMMITS = int(os.environ.get("FATA_IRMIN_COMMITS", "600"))  # 10,000 in the nightly run
KILLS = int(os.environ.get("FATA_IRMIN_KILLS", "6"))
WRITERS = 4
ROOT = Path(__file__).parents[2]


def writer(directory: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    """Start a writer."""
    command = [sys.executable, "-m", "tests.irmin.writer", str(directory), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def subjects(directory: Path) -> list[str]:
    return git(directory, "log", "--format=%s", "main").decode().splitlines()


def commit_by_git(work: Path, number: int) -> None:
    """Have `git commit` make a commit on top of whatever main is, trying again when it was too slow."""
    while True:
        git(work, "reset", "-q", "--hard", "main")
        (work / "git").mkdir(exist_ok=True)
        (work / "git" / f"{number % 100}").write_text(f"{number}")
        git(work, "add", "git")
        done = subprocess.run(
            ["git", "-C", work, "-c", "user.name=git", "-c", "user.email=git@x", "commit", "-q", "-m", f"git {number}"],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0 and f"git {number}" in subjects(work)[:40]:
            return


def test_four_processes_and_git_lose_no_commit(tmp_path: Path) -> None:
    init(str(tmp_path), bare=False)
    count = COMMITS // WRITERS
    writers = [writer(tmp_path, f"w{number}", count) for number in range(WRITERS)]
    made = 0
    while any(each.poll() is None for each in writers):
        if subprocess.run(
            ["git", "-C", tmp_path, "rev-parse", "-q", "--verify", "main"], capture_output=True
        ).returncode:
            continue
        commit_by_git(tmp_path, made)
        made += 1
    assert [each.wait() for each in writers] == [0] * WRITERS
    assert made
    wanted = [f"w{number} {step}" for number in range(WRITERS) for step in range(count)]
    wanted += [f"git {number}" for number in range(made)]
    assert sorted(subjects(tmp_path)) == sorted(wanted)
    assert_sound(tmp_path)
    last = {f"w{number}/{step % 100}": f"{step}" for number in range(WRITERS) for step in range(count)}
    for path in random.Random(1).sample(sorted(last), 20):
        assert git(tmp_path, "show", f"main:{path}").decode() == last[path]


def test_a_killed_writer_leaves_its_last_commit(tmp_path: Path) -> None:
    init(str(tmp_path))
    rng = random.Random(5)
    for attempt in range(KILLS):
        child = writer(tmp_path, f"k{attempt}", 100_000)
        assert child.stdout is not None
        first = child.stdout.readline()
        assert first == b"0\n"
        time.sleep(rng.random() * 0.05)  # a moment that nobody chose is the point
        child.send_signal(signal.SIGKILL)
        told = [int(line) for line in child.stdout.read().splitlines()]
        child.wait()
        last = told[-1] if told else 0
        assert_sound(tmp_path)
        for lock in tmp_path.rglob("*.lock"):
            lock.unlink()  # as git asks its user to do
        newest = subjects(tmp_path)[0].split()
        assert newest[0] == f"k{attempt}"
        assert int(newest[1]) in (last, last + 1), "committed, and killed before it could say so"
