"""Git itself, as an oracle and as a colleague."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Gert",
    "GIT_AUTHOR_EMAIL": "gert@example.org",
    "GIT_COMMITTER_NAME": "Gert",
    "GIT_COMMITTER_EMAIL": "gert@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
    "GIT_ALLOW_PROTOCOL": "file",
}


def git(directory: Path, *arguments: str | bytes, stdin: bytes = b"", check: bool = True) -> bytes:
    """Run git in a directory; return what it prints."""
    settings = (
        "init.defaultBranch=main",
        "protocol.file.allow=always",
        "gc.autoDetach=false",
    )  # what it began, it ends
    command = ["git", *(word for setting in settings for word in ("-c", setting)), "-C", directory, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, check=False)
    assert not check or done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def assert_sound(directory: Path) -> None:
    """Have git check everything, strictly. It warns of nothing either, but for a branch that has no commit."""
    done = subprocess.run(
        ["git", "-C", directory, "fsck", "--strict", "--full", "--no-dangling", "--no-progress"],
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
    )
    told = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if b"unborn" not in line and b"default refs" not in line
    ]
    assert (done.returncode, told) == (0, []), told
