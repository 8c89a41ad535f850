"""`fata run APPLICATION …` to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def fata_run(application: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an application as a user does, in the network namespace of the caller."""
    command = (sys.executable, "-m", "fata.tool.main", "run", str(application), *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
