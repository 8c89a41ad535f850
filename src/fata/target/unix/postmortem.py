"""`fata run --pdb`: runs a main.py and stops in the debugger where an uncaught exception was raised."""

from __future__ import annotations

import pdb  # noqa: T100  # this is the debugger's launcher
import runpy
import sys
import traceback
from types import TracebackType


def stop(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show the traceback and open the debugger in its innermost frame."""
    traceback.print_exception(kind, error, trace)
    if trace is not None:
        pdb.post_mortem(trace)


if __name__ == "__main__":
    sys.excepthook = stop
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
