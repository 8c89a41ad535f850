"""Whole programs in a child interpreter: what they print, and what they exit with."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest

Start = Callable[..., subprocess.Popen[str]]

FRAME = """\
{imports}
import sys
from fata.errors import ConfigError, DeviceError
from fata.runtime.arguments import Argument, integer
from fata.runtime.boot import boot

COUNT = Argument("count", integer, default=1)

class Part:
    def __init__(self, name): self.name = name
    def close(self): print("closed", self.name, flush=True)

def wire(devices, given):
    @devices.device
    async def part():
        return Part("part")

{body}

boot("hello", "0.1.0", (COUNT,), wire{extra})
"""
# What no program has to pay for that does not ask for it.
HEAVY = "argparse asyncio collections contextlib dataclasses difflib enum functools inspect logging re signal typing"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program of which `body` is the inside of wire."""
    programs: list[subprocess.Popen[str]] = []

    def start(
        body: str, *words: str, imports: str = "", extra: str = "", stdout: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        path = tmp_path / "main.py"
        path.write_text(FRAME.format(imports=imports, body=indent(dedent(body), "    "), extra=extra))
        programs.append(
            subprocess.Popen(
                [sys.executable, str(path), *words],
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            )
        )
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.communicate()


@pytest.fixture(params=["", "import asyncio"], ids=["by hand", "in a loop"])
def mode(request: pytest.FixtureRequest) -> str:
    """The import that decides how a program runs."""
    chosen: str = request.param
    return chosen


def end(program: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the program; return its status and what it wrote."""
    out, err = program.communicate(timeout=20)
    return program.returncode, out, err


PRINT = """
@devices.job
async def hello():
    for _ in range(given[COUNT]):
        print("hello from", (await part()).name)
"""


def test_a_program_that_does_its_work_exits_with_0(start: Start, mode: str) -> None:
    assert end(start(PRINT, "--count", "2", imports=mode)) == (0, "hello from part\n" * 2 + "closed part\n", "")


def test_a_program_imports_nothing_that_it_does_not_need(start: Start) -> None:
    seen = "@devices.job\nasync def seen(): print(*sys.modules)"
    _, out, _ = end(start(seen))
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    added = set(out.split()) - set(bare.stdout.split())
    assert "fata.runtime.boot" in added
    assert added & set(HEAVY.split()) == set()
    own = {name for name in added if name.partition(".")[0] not in ("fata", "closed", "part")}
    assert own == {"__future__"}


def test_help_and_version_are_no_mistakes(start: Start) -> None:
    status, out, err = end(start(PRINT, "--help"))
    assert (status, err) == (0, "")
    assert "--count=INTEGER" in out
    assert end(start(PRINT, "--version")) == (0, "hello 0.1.0\n", "")


def test_a_bad_argument_is_one_message(start: Start) -> None:
    expected = "hello: --count: 'x' given, a whole number expected\n  `hello --help` explains every option.\n"
    assert end(start(PRINT, "--count=x")) == (2, "", expected)


@pytest.mark.parametrize("text", ["loud", "tcp:verbose", ":debug", ""])
def test_bad_logs_are_one_message(start: Start, text: str) -> None:
    status, out, err = end(start(PRINT, f"--logs={text}"))
    assert (status, out) == (2, "")
    assert err.startswith("hello: --logs: ")
    assert "quiet, error, warning, info, debug" in err


def test_a_mistake_found_later_is_one_message_too(start: Start, mode: str) -> None:
    body = """
    @devices.job
    async def serve():
        raise ConfigError("port 80 is taken", remedy="Choose another.")
    """
    assert end(start(body, imports=mode)) == (2, "closed part\n", "hello: port 80 is taken\n  Choose another.\n")


def test_a_mistake_inside_a_task_group_is_one_message_too(start: Start) -> None:
    body = """
    @devices.job
    async def serve():
        async def fail(): raise ConfigError("port 80 is taken")
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    """
    assert end(start(body, imports="import asyncio"))[::2] == (2, "hello: port 80 is taken\n")


def test_an_uncaught_exception_is_a_traceback(start: Start, mode: str) -> None:
    body = """
    @devices.job
    async def broken():
        raise KeyError("lost")
    """
    status, out, err = end(start(body, imports=mode))
    assert (status, out) == (1, "closed part\n")
    title, place, *_ = err.splitlines()
    assert title == "Traceback (most recent call last):"
    assert place.endswith("in broken"), "what runs the program is left out"
    assert err.endswith("KeyError: 'lost'\n")


@pytest.mark.parametrize(("code", "status", "message"), [("7", 7, ""), ("", 0, ""), ("'so long'", 1, "so long\n")])
def test_an_application_exits_as_it_likes(start: Start, mode: str, code: str, status: int, message: str) -> None:
    body = f"@devices.job\nasync def leave(): sys.exit({code})"
    assert end(start(body, imports=mode)) == (status, "closed part\n", message)


def test_an_exit_deep_inside_closes_the_devices_too(start: Start) -> None:
    body = """
    @devices.job
    async def leave():
        async def deep(): sys.exit(7)
        await asyncio.gather(deep())
    """
    assert end(start(body, imports="import asyncio")) == (7, "closed part\n", "")


def test_waiting_without_a_loop_is_explained_where_it_happens(start: Start) -> None:
    body = """
    import types
    @types.coroutine
    def suspend(): yield
    @devices.job
    async def waits():
        await suspend()
    """
    status, out, err = end(start(body))
    assert (status, out) == (1, "closed part\n")
    assert "in waits" in err
    assert "does not import asyncio" in err


WAIT = {
    "": "sys.stdin.readline()",
    "import asyncio": "await asyncio.Event().wait()",
}
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def wait_for(program: subprocess.Popen[str], line: str) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == line + "\n"


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_closes_the_devices(start: Start, mode: str, number: signal.Signals, status: int) -> None:
    body = f"""
    @devices.job
    async def serve():
        print("ready", flush=True)
        {WAIT[mode]}
    """
    program = start(body, imports=mode)
    wait_for(program, "ready")
    program.send_signal(number)
    assert end(program) == (status, "closed part\n", "")


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_second_signal_ends_a_program_that_does_not_listen(
    start: Start, mode: str, number: signal.Signals, status: int
) -> None:
    body = """
    import time
    @devices.job
    async def deaf():
        word = "ready"
        while True:
            try:
                print(word, flush=True)
                while True: sys.stdin.readline() or time.sleep(60)
            except KeyboardInterrupt:
                word = "no"
    """
    if mode:
        body = """
        @devices.job
        async def deaf():
            print("ready", flush=True)
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    print("no", flush=True)
        """
    program = start(body, imports=mode)
    wait_for(program, "ready")
    program.send_signal(number)
    wait_for(program, "no")
    program.send_signal(number)
    code, out, err = end(program)
    assert (code, out) == (status, "")
    assert "stopped again" in err


def test_a_signal_during_the_closing_interrupts_no_device(start: Start, mode: str) -> None:
    body = """
    class Slow:
        def close(self):
            print("closing", flush=True)
            sys.stdin.readline()
            print("closed slow", flush=True)
    @devices.device
    async def slow():
        await part()
        return Slow()
    """
    program = start(body, imports=mode)
    wait_for(program, "closing")
    program.send_signal(signal.SIGINT)
    assert program.stdin is not None
    program.stdin.write("\n")
    assert end(program) == (130, "closed slow\nclosed part\n", "")


def test_a_signal_that_the_parent_ignores_stays_ignored(start: Start) -> None:
    body = """
    @devices.job
    async def serve():
        print("ready", flush=True)
        sys.stdin.readline()
    """
    imports = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    program = start(body, imports=imports)
    wait_for(program, "ready")
    program.send_signal(signal.SIGINT)
    assert program.stdin is not None
    program.stdin.write("\n")
    assert end(program) == (0, "closed part\n", "")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_reader_that_leaves_early_is_no_news(start: Start, mode: str, wrapped: bool) -> None:
    body = """
    @devices.job
    async def talk():
        try:
            while True:
                print("y" * 10_000)
        except BrokenPipeError as error:
            raise (DeviceError("nobody listens") if WRAPPED else error) from error
    """.replace("WRAPPED", str(wrapped))
    program = start(body, imports=mode)
    assert program.stdout is not None
    program.stdout.close()
    program.stdout = None
    status, _, err = end(program)
    assert (status, err) == (141, "")


def test_a_reader_that_was_never_there_is_no_news(start: Start) -> None:
    read, write = os.pipe()
    os.close(read)
    program = start("@devices.job\nasync def talk(): print('y')", stdout=write)
    os.close(write)
    status, _, err = end(program)
    assert (status, err) == (141, "")


def test_a_broken_connection_is_not_a_broken_console(start: Start) -> None:
    body = """
    @devices.job
    async def talk(): raise BrokenPipeError("a socket")
    """
    status, _, err = end(start(body))
    assert status == 1
    assert "BrokenPipeError: a socket" in err


def test_the_program_can_bring_its_own_loop(start: Start) -> None:
    body = """
    @devices.job
    async def which():
        print(type(asyncio.get_running_loop()).__name__)
    """
    imports = "import asyncio\nclass Ours(asyncio.SelectorEventLoop): pass"
    assert end(start(body, imports=imports, extra=", new_loop=Ours")) == (0, "Ours\nclosed part\n", "")


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_signal_ends_a_wait_of_our_own_loop(start: Start, number: signal.Signals, status: int) -> None:
    body = """
    @devices.job
    async def serve():
        asyncio.get_running_loop().call_soon(ready)
        await asyncio.Event().wait()
    """
    imports = """
import asyncio
from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop
def ready(): print("ready", flush=True)
"""
    program = start(body, imports=imports, extra=", new_loop=lambda: Loop(EpollPoller())")
    wait_for(program, "ready")
    program.send_signal(number)
    assert end(program) == (status, "closed part\n", "")


@pytest.mark.parametrize(
    "extra", ["", ", new_loop=lambda: Loop(EpollPoller())"], ids=["asyncio's loop", "a loop of ours"]
)
def test_a_signal_just_before_a_wait_ends_it(start: Start, extra: str) -> None:
    """Only what the C part of Python's signal handling writes to ends such a wait; it is gone afterwards."""
    body = """
        @devices.job
        async def job():
            noticed = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(noticed, warn_on_full_buffer=False)
            print(noticed >= 0, flush=True)
    """
    imports = """
import asyncio, signal
from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop
"""
    assert end(start(body, imports=imports, extra=extra)) == (0, "True\nclosed part\n", "")
