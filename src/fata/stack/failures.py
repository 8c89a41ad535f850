"""How a connection's end is told to applications: as the `OSError` that a kernel's socket would give."""

from __future__ import annotations

import errno
import os

from fata.proto.tcp.transmission import Failure

ERRORS: dict[Failure, tuple[type[OSError], int]] = {
    Failure.RESET: (ConnectionResetError, errno.ECONNRESET),
    Failure.REFUSED: (ConnectionRefusedError, errno.ECONNREFUSED),
    Failure.TIMED_OUT: (TimeoutError, errno.ETIMEDOUT),
    Failure.UNREACHABLE: (OSError, errno.EHOSTUNREACH),
    Failure.ABORTED: (ConnectionAbortedError, errno.ECONNABORTED),
}


def to_os_error(failure: Failure | None) -> OSError | None:
    """Return the error for a failure; None after an orderly end."""
    if failure is None:
        return None
    kind, number = ERRORS[failure]
    return kind(number, os.strerror(number))
