"""Octets and text, as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fata.irmin.merge.contract import Merge
from fata.irmin.merge.default import default

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
