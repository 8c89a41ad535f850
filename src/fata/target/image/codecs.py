"""Codecs are modules that no import statement names: `"…".encode("idna")` imports `encodings.idna`."""

from __future__ import annotations

import encodings
from encodings.aliases import aliases


def codec_module(name: str) -> str | None:
    """Return the module of a codec as a program names it; None for what cannot be a codec's name."""
    normal = encodings.normalize_encoding(name).lower()
    module = aliases.get(normal) or aliases.get(normal.replace(".", "_")) or normal
    return f"encodings.{module}" if module.isidentifier() else None
