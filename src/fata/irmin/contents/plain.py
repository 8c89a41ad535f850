"""Octets and text, as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fata.irmin.merge.combined import first_of
from fata.irmin.merge.contract import Merge
from fata.irmin.merge.default import default
from fata.irmin.merge.text import text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plain(Generic[T]):
    """A type of contents, made of its four parts."""

    name: str
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    merge: Merge[T] = default


BYTES: Plain[bytes] = Plain("bytes", bytes, bytes)
TEXT: Plain[str] = Plain("text", str.encode, bytes.decode)
LINES: Plain[str] = Plain("text by lines", str.encode, bytes.decode, first_of(default, text))
"""Text that merges line by line, as git merges files; of `TEXT` one side has to be unchanged."""
