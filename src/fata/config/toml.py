"""Tables in TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_toml(file: Path) -> dict[str, Any]:
    """Read a file. Raises OSError, and ValueError when it is not TOML in UTF-8."""
    text = file.read_text(encoding="utf-8")
    import tomllib  # most applications have no such file when they are configured

    return tomllib.loads(text)
