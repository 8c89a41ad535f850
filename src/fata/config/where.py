"""Where in the user's files something was said."""

from __future__ import annotations

import sys
from typing import NamedTuple

from fata.errors import ConfigError

READING = "config"
"""The `__name__` under which a config.py is run."""


class Where(NamedTuple):
    """A file and a line in it, counted from 1; both None when the tool itself said it."""

    file: str | None = None
    line: int | None = None

    def error(self, reason: str, remedy: str = "") -> ConfigError:
        """Make the error that points here."""
        return ConfigError(reason, remedy=remedy, file=self.file, line=self.line)

    def __str__(self) -> str:
        return "the command line" if self.file is None else f"{self.file}:{self.line}"


NOWHERE = Where()


def caller() -> Where:
    """Return the line of config.py that is running; failing that, who called fata's configuration code."""
    frame = sys._getframe(1)
    nearest: Where | None = None
    while True:
        module = frame.f_globals.get("__name__", "")
        here = Where(frame.f_code.co_filename, frame.f_lineno)
        if module == READING:
            return here
        if nearest is None and not module.startswith("fata.config"):
            nearest = here
        if frame.f_back is None:
            return nearest or here
        frame = frame.f_back
