"""Tracebacks of a program in a zip: the interpreter's own printing finds source lines in files only."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def show_source_lines() -> None:
    """See to it that uncaught exceptions are shown with their lines, unless somebody shows them in another way."""
    loader = getattr(sys.modules["__main__"], "__loader__", None)
    if hasattr(loader, "archive") and sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    try:
        from traceback import print_exception  # not before it is needed

        print_exception(kind, error, trace)
    except Exception:  # noqa: BLE001  # without memory, or a stream: then as the interpreter can
        sys.__excepthook__(kind, error, trace)
