"""inotify(7), as much as it takes to hear that a file in some directories has come, gone or been replaced."""

from __future__ import annotations

import ctypes
import os

from fata.errors import Unavailable

IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x40, 0x80, 0x100, 0x200
EVENTS = IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # IN_NONBLOCK and IN_CLOEXEC are these
MOST = 1 << 16  # octets of events that are read at once


class Inotify:
    """A descriptor that becomes readable when something happens in the directories that were added."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = self._c.inotify_init1(FLAGS)
        if self.descriptor < 0:
            raise Unavailable(f"inotify: {os.strerror(ctypes.get_errno())}")

    def add(self, directory: str) -> None:
        """Hear of a directory, too; one that is heard of already is fine, and one that is gone, too."""
        number = self._c.inotify_add_watch(self.descriptor, os.fsencode(directory), EVENTS)
        error = ctypes.get_errno()
        if number < 0 and not isinstance(OSError(error, ""), FileNotFoundError):
            raise Unavailable(f"inotify: {directory}: {os.strerror(error)}", "sysctl fs.inotify.max_user_watches")

    def drain(self) -> None:
        """Take what happened; what it was does not matter."""
        try:
            while os.read(self.descriptor, MOST):
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Hear no more."""
        os.close(self.descriptor)
