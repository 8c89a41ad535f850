"""What sources say, how a line looks, and who is left alone."""

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest

from fata.errors import ConfigError
from fata.runtime.logs import LineFormat, parse_logs, set_up_logs, wants_colours

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\w+) +([\w.]+): (.*)")


@contextmanager
def program() -> Iterator[io.StringIO]:
    """Yield a program's standard error, with `logging` as it is when a program starts.

    Not a fixture: pytest hangs handlers of its own into the root logger once the fixtures are there.
    """
    root = logging.getLogger()
    handlers, level, known = root.handlers[:], root.level, dict(root.manager.loggerDict)
    root.handlers.clear()
    root.manager.loggerDict.clear()
    stderr = io.StringIO()
    try:
        with redirect_stderr(stderr):
            yield stderr
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        root.manager.loggerDict.clear()
        root.manager.loggerDict.update(known)


def said(stream: io.StringIO) -> list[tuple[str, ...]]:
    """Return (level, source, message) of each line."""
    return [match.groups()[1:] for match in map(LINE.fullmatch, stream.getvalue().splitlines()) if match]


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ("*:info", {"*": 20}),
        ("debug", {"*": 10}),
        ("tcp:debug", {"*": 20, "tcp": 10}),
        ("*:quiet,tcp:debug, app.www:Error", {"*": 60, "tcp": 10, "app.www": 40}),
        ("warning,tcp:info,tcp:debug", {"*": 30, "tcp": 10}),
    ],
)
def test_levels_are_read_by_source(given: str, levels: dict[str, int]) -> None:
    assert parse_logs(given) == levels


@pytest.mark.parametrize("given", ["", "loud", "tcp:", ":debug", "tcp:debug,", "tcp:debug:loud"])
def test_an_unknown_level_is_a_mistake_that_names_the_known_ones(given: str) -> None:
    with pytest.raises(ConfigError, match="--logs: ") as caught:
        parse_logs(given)
    assert "quiet, error, warning, info, debug" in caught.value.remedy


def test_a_source_speaks_for_its_children() -> None:
    with program() as stderr:
        logging.getLogger("tcp.input")
        set_up_logs("*:warning,tcp:debug,tcp.noise:error")
        logging.getLogger("tcp").debug("one")
        logging.getLogger("tcp.input").debug("two %d", 2)
        logging.getLogger("tcp.noise").warning("three")
        logging.getLogger("udp").info("four")
        logging.getLogger("udp").warning("five")
        own = [line for line in said(stderr) if not line[1].startswith("fata")]
        assert own == [("debug", "tcp", "one"), ("debug", "tcp.input", "two 2"), ("warning", "udp", "five")]


def test_by_default_everything_speaks_from_info_on() -> None:
    with program() as stderr:
        set_up_logs("*:info")
        logging.getLogger("app").debug("no")
        logging.getLogger("app").info("yes")
        assert said(stderr) == [("info", "app", "yes")]


def test_quiet_is_quiet() -> None:
    with program() as stderr:
        set_up_logs("quiet")
        logging.getLogger("app").critical("no")
        assert stderr.getvalue() == ""


def test_a_source_that_nobody_has_announced_is_a_warning_that_lists_those_there_are() -> None:
    with program() as stderr:
        logging.getLogger("http.server")
        logging.getLogger("tcp")
        set_up_logs("tpc:debug,tcp:debug")
        ((level, _, message),) = said(stderr)
        assert level == "warning"
        assert "'tpc'" in message
        assert "(http, tcp)" in message


def test_a_program_with_a_handler_of_its_own_keeps_it() -> None:
    with program():
        own = logging.StreamHandler(io.StringIO())
        logging.getLogger().addHandler(own)
        set_up_logs("debug")
        assert logging.getLogger().handlers == [own]
        assert logging.getLogger().level == logging.DEBUG


def test_a_line_has_utc_milliseconds_and_the_traceback_below() -> None:
    try:
        raise KeyError("x")
    except KeyError:
        record = logging.LogRecord("tcp", logging.ERROR, __file__, 1, "lost %s", ("it",), sys.exc_info())
    record.created, record.msecs = 1_700_000_000.123, 123.0
    first, second, *_, last = LineFormat(logging, colours=False).format(record).splitlines()
    assert first == "2023-11-14T22:13:20.123Z error   tcp: lost it"
    assert second.startswith("Traceback")
    assert last == "KeyError: 'x'"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_gets_colours_and_only_if_its_user_likes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colours(Terminal())
    assert not wants_colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colours(Terminal())
    record = logging.LogRecord("tcp", logging.WARNING, __file__, 1, "slow", (), None)
    assert "\x1b[33mwarning\x1b[0m tcp: slow" in LineFormat(logging, colours=True).format(record)


@pytest.mark.parametrize(
    ("given", "imported"), [("*:info", "False"), ("debug", "True")], ids=["by default", "when asked for"]
)
def test_logging_is_not_imported_unless_somebody_wants_it(given: str, imported: str) -> None:
    code = f"import sys; from fata.runtime.logs import *; set_up_logs({given!r}); print('logging' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert ran.stdout.strip() == imported
