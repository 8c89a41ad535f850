"""`fata run -t virtio` with real images in real machines: output, input, statuses, signals, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from fata.target.virtio.qemu import QEMU
from tests.images import ROOT, write_tree
from tests.programs import needs, needs_runtime

RUNTIMES = ROOT / "build" / "runtime"

pytestmark = [
    pytest.mark.qemu,
    needs(QEMU),
    needs_runtime(),
]

APP = '''\
import sys
import time

from fata.device import Console


def wait():
    """Wait a minute, in pieces: a signal that comes just before a sleep does not end that sleep."""
    for _ in range(1200):
        time.sleep(0.05)


class App:
    """Do as told.

    Keys:
        what: what to do
        text: to say, or whatever it needs
    """

    def __init__(self, console: Console, *, what: str = "say", text: str = "hello") -> None:
        self.console = console
        self.what = what
        self.text = text

    async def run(self) -> None:
        if self.what == "say":
            self.console.write(f"<{self.text}>\\n")
        elif self.what == "exit":
            sys.exit(int(self.text))
        elif self.what == "read":
            with open(f"/boot/{self.text}", encoding="utf-8") as file:
                self.console.write(file.read())
        elif self.what == "echo":
            self.console.write(f"heard {await self.console.read_line()}\\n")
        elif self.what == "modules":
            self.console.write(" ".join(sorted(sys.modules)) + "\\n")
        elif self.what == "wait":
            try:
                self.console.write("ready\\n")
                wait()
            finally:
                self.console.write("closed\\n")
        elif self.what == "stay":
            answer = "ready\\n"
            while True:
                try:
                    self.console.write(answer)
                    wait()
                except KeyboardInterrupt:
                    answer = "no\\n"
        else:
            raise ValueError(self.what)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("app")
    write_tree(folder, {"app.py": APP})
    return folder


def words(*more: str, subject: str = "app:App") -> list[str]:
    return [sys.executable, "-m", "fata.tool.main", "run", subject, "-t", "virtio", "--accel", "tcg", *more]


def run(folder: Path, *more: str, typed: bytes = b"", subject: str = "app:App") -> tuple[int, str, str]:
    """Run to the end; return status, output and errors."""
    variables = {**os.environ, "FATA_RUNTIME": str(RUNTIMES)}
    done = subprocess.run(
        words(*more, subject=subject),
        cwd=folder,
        env=variables,
        input=typed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@contextmanager
def running(folder: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run until the program has said that it is ready."""
    variables = {**os.environ, "FATA_RUNTIME": str(RUNTIMES)}
    with subprocess.Popen(
        words(*more), cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("model", ["microvm", "q35"])
def test_a_program_prints_and_powers_off(folder: Path, model: str) -> None:
    assert run(folder, "--machine", model, "--text", "hello") == (0, "<hello>\n", "")


@pytest.mark.parametrize("model", ["microvm", "q35"])
def test_the_first_example(model: str) -> None:
    keys = ["--name", "metal", "--count", "2"]
    status, output, _ = run(ROOT, "--machine", model, *keys, subject="examples/hello")
    assert (status, output) == (0, "hello metal\nhello metal\n")


def test_ctrl_c_on_a_terminal(folder: Path) -> None:
    variables = {**os.environ, "FATA_RUNTIME": str(RUNTIMES)}
    program, *rest = words("--what", "wait")
    terminal = pexpect.spawn(program, rest, cwd=str(folder), env=variables, timeout=30, encoding="utf-8")
    terminal.expect_exact("ready\r\n")
    terminal.sendintr()
    terminal.expect_exact("closed\r\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130


def test_words_arrive_intact(folder: Path) -> None:
    text = """  two  words, a "quote", it's a back\\slash, grüße ☃ --not-a-key """
    assert run(folder, f"--text={text}") == (0, f"<{text}>\n", "")
    assert run(folder, "--text", "") == (0, "<>\n", "")


@pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 130, 200, 255])
def test_the_exit_status_arrives_and_nothing_is_shown_of_it(folder: Path, status: int) -> None:
    assert run(folder, "--what", "exit", f"--text={status}") == (status, "", "")


def test_an_exception_shows_its_lines_and_ends_with_1(folder: Path) -> None:
    status, output, _ = run(folder, "--what", "fail")
    assert status == 1
    assert 'File "/app.zip/app.py", line ' in output
    assert "    raise ValueError(self.what)\n" in output
    assert output.endswith("ValueError: fail\n")


def test_a_file_for_this_run_is_there_and_not_in_the_image(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("grüße")
    status, output, _ = run(folder, "--file", f"the/key={secret}", "--what", "read", "--text", "the/key")
    assert (status, output) == (0, "grüße")
    assert "grüße".encode() not in (folder / "build" / "virtio" / "app.elf").read_bytes()


def test_what_is_typed_arrives_as_a_line(folder: Path) -> None:
    assert run(folder, "--what", "echo", typed="früh\n".encode())[:2] == (0, "heard früh\n")


def test_a_program_that_imports_little_loads_little(folder: Path) -> None:
    loaded = set(run(folder, "--what", "modules")[1].split())
    assert (
        not {"os", "collections", "asyncio", "argparse", "logging", "typing", "dataclasses", "inspect", "subprocess"}
        & loaded
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("model", ["microvm", "q35"])
def test_a_signal_stops_the_guest_cleanly(folder: Path, model: str, number: int, status: int) -> None:
    with running(folder, "--machine", model, "--what", "wait") as process:
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (status, b"closed\n", b"")


def test_a_second_ctrl_c_ends_a_guest_that_does_not_listen(folder: Path) -> None:
    with running(folder, "--what", "stay") as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"no\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (130, b"", b"the guest was ended\n")


def test_no_guest_outlives_the_command(folder: Path) -> None:
    with running(folder, "--what", "wait") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{children[0]}/cmdline").exists() and _alive(children[0]):
            assert time.monotonic() < deadline


def _alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_qemu_that_does_not_start_is_no_success(folder: Path) -> None:
    status, output, errors = run(folder, "--publish", "192.0.2.1:8080:80", "--text", "x")
    assert (status, output) == (2, "")
    assert "QEMU did not start" in errors


def test_build_tells_what_it_made(folder: Path) -> None:
    variables = {**os.environ, "FATA_RUNTIME": str(RUNTIMES)}
    command = [sys.executable, "-m", "fata.tool.main", "build", "app:App", "-t", "virtio", "--json"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert told["size"] == Path(told["output"]).stat().st_size < 12_000_000
    assert told["notes"] == []
