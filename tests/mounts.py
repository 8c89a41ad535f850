"""`fata mount` for a while."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CAN_MOUNT = os.access("/dev/fuse", os.W_OK) and shutil.which("fusermount3") is not None
needs_fuse = pytest.mark.skipif(not CAN_MOUNT, reason="needs /dev/fuse and fusermount3")


@contextmanager
def mounted(image: Path, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Mount an image for a while, and unmount it."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "fata.tool.main", "mount", str(image), str(folder), *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while not folder.is_mount():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "it is not mounted"
            time.sleep(0.05)  # a kernel that mounts tells nobody
        yield process
    finally:
        if folder.is_mount():
            subprocess.run(["fusermount3", "-u", str(folder)], check=True, timeout=20)
        process.communicate(timeout=20)
