"""Logs: which sources say how much, and what a line looks like.

A source is a `logging` logger by name, and its children with it: `tcp:debug` holds for `tcp.input` too.
A program that never imports `logging` does not get it from here: the module is looked up, as asyncio is.
"""

from __future__ import annotations

import sys
import time

from fata.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord
    from types import ModuleType
    from typing import TextIO

EVERYTHING = "*"
DEFAULT = "*:info"
# The numbers are logging's own; nothing is as urgent as quiet.
LEVELS = {"quiet": 60, "error": 40, "warning": 30, "info": 20, "debug": 10}
COLOURS = {"critical": 35, "error": 31, "warning": 33, "info": 32, "debug": 36}  # ECMA-48, SGR
ORIGIN = "fata.runtime.logs"


def parse_logs(given: str) -> dict[str, int]:
    """Read "*:info,tcp:debug" into levels by source; a level alone is for everything. Raises `ConfigError`."""
    levels = {EVERYTHING: LEVELS["info"]}
    for item in given.split(","):
        source, colon, level = item.strip().rpartition(":")
        if level.lower() not in LEVELS or (colon and not source):
            raise ConfigError(
                f"--logs: {item!r} given, a level or source:level expected",
                remedy=f"A level is one of {', '.join(LEVELS)}; for example --logs={EVERYTHING}:info,tcp:debug.",
            )
        levels[source or EVERYTHING] = LEVELS[level.lower()]
    return levels


def set_up_logs(given: str) -> None:
    """Make the program's loggers heed `given` and write to standard error.

    Does nothing for a program that has not imported `logging` and was not asked for anything special. A
    program that has given the root logger a handler of its own keeps it. Raises `ConfigError`.
    """
    levels = parse_logs(given)
    logging = sys.modules.get("logging")
    if logging is None:
        if given == DEFAULT:
            return
        try:
            logging = __import__("logging")  # by name, so that no image carries it for this line's sake
        except ImportError:
            return  # then nothing in this image can log
    root = logging.getLogger()
    if not root.handlers and sys.stderr is not None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(LineFormat(logging, colours=wants_colours(sys.stderr)))
        root.addHandler(handler)
    announced = set(root.manager.loggerDict)
    root.setLevel(levels.pop(EVERYTHING))
    for source, level in levels.items():
        logging.getLogger(source).setLevel(level)
        if source not in announced:
            heard = ", ".join(sorted({name.partition(".")[0] for name in announced})) or "none so far"
            logging.getLogger(ORIGIN).warning("--logs names %r, which no module has announced (%s)", source, heard)


def wants_colours(stream: TextIO) -> bool:
    """Say whether `stream` is a terminal whose user has not asked for plain text (https://no-color.org)."""
    import os  # not at the top: see fata.driver.console.stdio

    return not os.environ.get("NO_COLOR") and stream.isatty()


class LineFormat:
    """Writes a record as `2026-11-23T09:42:01.123Z info tcp: message`, in UTC, with the traceback below.

    It does what a `logging.Formatter` does for a handler, without being one, since this module must not
    import `logging`; `library` is that module.
    """

    def __init__(self, library: ModuleType, *, colours: bool) -> None:
        self._traceback = library.Formatter().formatException
        self._stack = library.Formatter().formatStack
        self._colours = colours

    def format(self, record: LogRecord) -> str:
        """Return the record's line or lines."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = record.levelname.lower()
        shown = f"{level:7}"
        if self._colours and level in COLOURS:
            shown = f"\x1b[{COLOURS[level]}m{shown}\x1b[0m"
        lines = [f"{when}.{int(record.msecs):03}Z {shown} {record.name}: {record.getMessage()}"]
        if record.exc_info and record.exc_info[0] is not None:
            lines.append(self._traceback(record.exc_info))
        if record.stack_info:
            lines.append(self._stack(record.stack_info))
        return "\n".join(lines)
