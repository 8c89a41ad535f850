"""Tracebacks of a program: from its own first line on, and with source lines out of a zip too."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def show(error: BaseException) -> None:
    """Print an exception that nobody has caught. What runs the program is left out: its author cannot change that."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(("fata.runtime.", "asyncio.")):
        trace = trace.tb_next
    if trace is not None:
        error.__traceback__ = trace
    sys.excepthook(type(error), error, error.__traceback__)


def show_source_lines() -> None:
    """See to it that uncaught exceptions are shown with their lines, unless somebody shows them in another way.

    The interpreter's own printing finds source lines in files only.
    """
    loader = getattr(sys.modules["__main__"], "__loader__", None)
    if hasattr(loader, "archive") and sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    try:
        from traceback import print_exception  # not before it is needed

        print_exception(kind, error, trace)
    except Exception:  # noqa: BLE001  # without memory, or a stream: then as the interpreter can
        sys.__excepthook__(kind, error, trace)
