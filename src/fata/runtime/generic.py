"""`Generic` for modules that every program loads: `typing` costs more to import than all of them together."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    T = TypeVar("T")
    T_co = TypeVar("T_co", covariant=True)
else:
    T = T_co = None

    class Generic:
        """Lets `class Box(Generic[T])` be written; a type checker sees `typing.Generic` instead."""

        def __class_getitem__(cls, _parameter):
            return cls


__all__ = ["Generic", "T", "T_co"]
