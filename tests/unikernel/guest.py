"""An application as a unikernel under `fata run -t virtio`, as a user starts it: its console, its ports, its end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 60.0  # seconds for anything that is waited for; a machine that others use too is slow
LISTENING = "listening on "


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port of the host's loopback that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(application: Path, machine: str, *words: str) -> list[str]:
    """Return the words of `fata run` on an emulated machine."""
    fata = (sys.executable, "-m", "fata.tool.main", "run", str(application))
    return [*fata, "-t", "virtio", "--machine", machine, "--accel", "tcg", *words]


def build(application: Path, *words: str) -> Path:
    """Build an image and return its path."""
    fata = (sys.executable, "-m", "fata.tool.main", "build", str(application), "-t", "virtio", "--json", *words)
    done = subprocess.run(fata, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["output"])


class Unikernel:
    """A running machine. `ports` of the guest ("80", "7/udp") are published; `port` gives the host's ends.

    Leaving the block is Ctrl-C, and what has to come of it is checked: status 130, no traceback.
    """

    def __init__(self, application: Path, machine: str, *words: str, ports: tuple[str, ...] = ()) -> None:
        kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
        self._ports = {each: free_port(kinds[each.partition("/")[2] or "tcp"]) for each in ports}
        published = [word for each, port in self._ports.items() for word in ("--publish", f"{port}:{each}")]
        self._words = command(application, machine, *published, *words)
        self._heard = threading.Condition()
        self.output = ""  # what its console has said so far
        self._ended = False

    def __enter__(self) -> Unikernel:
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()
        try:
            self.wait_for(LISTENING)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(30)
        finally:
            self._end()
        if error is None:
            assert (status, "Traceback" in self.output) == (130, False), self.output

    def port(self, guests: str = "80") -> int:
        """Return the host's port that leads to one of the guest's."""
        return self._ports[guests]

    def url(self, path: str = "/") -> str:
        """Return where its web server is."""
        return f"http://127.0.0.1:{self.port()}{path}"

    async def idle(self, seconds: float) -> float:
        """Wait for so long while the event loop goes on; return which part of a processor the machine has used."""
        before = self._processor_seconds()
        await asyncio.sleep(seconds)
        return (self._processor_seconds() - before) / seconds

    def _processor_seconds(self) -> float:
        (qemu,) = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        threads = Path(f"/proc/{qemu}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the console has said something. Raises AssertionError when it does not come."""
        with self._heard:
            self._heard.wait_for(lambda: self._ended or re.search(pattern, self.output), PATIENCE)
            match = re.search(pattern, self.output)
        assert match is not None, f"{pattern!r} was not said: {self.output}"
        return match

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._heard:
                self.output += line
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
