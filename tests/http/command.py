"""A program under `fata run`, as a user starts it, with the port that it tells."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

LISTENING = re.compile(r"listening on \w+://[^ :]*:(\d+)")


class Running:
    """`fata run APPLICATION --port 0` in a process of its own, ended as by Ctrl-C.

    `address` is where others find it, `port` what it is told to listen at.
    """

    def __init__(self, application: Path, *words: str, address: str = "127.0.0.1", port: int = 0) -> None:
        command = [sys.executable, "-m", "fata.tool.main", "run", str(application), "--port", str(port), *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = ""  # what it has said; all of it once it has ended
        self.port = port
        self.address = address

    def __enter__(self) -> Running:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if found := LISTENING.search(line):
                self.port = int(found[1])
                return self
        raise AssertionError(f"it never listened; status {self.process.wait()}: {self.output}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.interrupt()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}:{self.port}"

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit status; 130 says that it ended by it in good order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.output += self.process.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode


def curl(*words: str, typed: bytes = b"") -> bytes:
    """Run curl with `typed` on its standard input; return what it prints."""
    command = ["curl", "-sS", "--max-time", "20", *words]
    done = subprocess.run(command, input=typed, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
