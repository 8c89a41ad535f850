"""A web server under measurement: its start, its first octet, what it can do, and with how little memory."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.http import wrk

ROOT = Path(__file__).parents[1]
LARGE = ROOT / "examples" / "www" / "htdocs" / "large.bin"
LIMIT = 60.0  # seconds for a start
SAID = b"listening on"
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
DOWNLOADS = 3


class Rates(NamedTuple):
    """What a server can do."""

    requests: float  # a second, ten connections, the front page
    gigabits: float  # a second, one connection, a file of 5 MB


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    words: list[str], address: str, port: int, variables: Mapping[str, str] | None = None
) -> Iterator[tuple[int, float]]:
    """Run a server until the block ends; give its process, and the seconds to the first octet of an answer.

    Asked is as soon as it says that it listens: QEMU's network lets who asks earlier wait for seconds. Raises
    RuntimeError when it does not listen, or does not answer.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(variables or {})},
    )
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    assert process.stdout is not None
    try:
        if not any(SAID in line for line in process.stdout):
            raise RuntimeError(f"it does not listen: {' '.join(words)}")
        with socket.create_connection((address, port), LIMIT) as connection:
            connection.sendall(REQUEST)
            if not connection.recv(1):
                raise RuntimeError(f"it does not answer: {' '.join(words)}")
        seconds = time.perf_counter() - began
        timer.cancel()
        threading.Thread(target=process.stdout.read, daemon=True).start()  # what else it says is taken from it
        yield process.pid, seconds
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def rates(address: str, port: int, seconds: int) -> Rates:
    """Load a server. Raises RuntimeError for an answer that is not right."""
    requests = wrk(f"http://{address}:{port}/", seconds, 10).rate
    began = time.perf_counter()
    for _ in range(DOWNLOADS):
        if not _large(f"http://{address}:{port}"):
            raise RuntimeError("large.bin has not come as it is")
    return Rates(requests, DOWNLOADS * LARGE.stat().st_size * 8e-9 / (time.perf_counter() - began))


def _large(url: str) -> bool:
    got = subprocess.run(["curl", "-sS", "-m", "30", f"{url}/large.bin"], capture_output=True, check=False)
    return got.stdout == LARGE.read_bytes()


def floor(command: Callable[[int, int], list[str]], low: int, high: int, step: int) -> int:
    """Return the least MiB, in steps, with which a machine serves its front page and its large file; by bisection.

    `command(memory, port)` starts it; `low` is too little and `high` enough.
    """
    while high - low > step:
        middle = (low + high) // (2 * step) * step
        middle = middle if middle > low else low + step
        port = free_port()
        try:
            with started(command(middle, port), "127.0.0.1", port):
                works = _large(f"http://127.0.0.1:{port}")
        except (RuntimeError, OSError):
            works = False
        low, high = (low, middle) if works else (middle, high)
    return high
