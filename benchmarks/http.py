"""Our HTTP server beside uvicorn, with its parser in Python (h11, as ours) and in C (httptools), in one run.

wrk loads each over loopback with 64 connections, one after the other and round after round, so that a noisy
minute hits all of them. All answer 200 with a Date and keep the connection; ours does so from a store in memory
and from the ASGI application that uvicorn serves. CPU seconds are the server process's own, user and system.

Limit: our server spends less CPU on a request than uvicorn with h11.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.table import Table
from fata.driver.kv.memory import MemoryKv
from fata.driver.stack.host import HostStack
from fata.http import serve_asgi, serve_files

BODY = b"Hello, world!\n" * 73  # about a kilobyte
CONNECTIONS = 64
REFERENCE = "uvicorn with h11"
TICKS = os.sysconf("SC_CLK_TCK")  # a second


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers each request with BODY."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def ours_files(port: int) -> None:
    """Serve BODY as a file."""
    site = MemoryKv()
    await site.set("index.html", BODY)
    await serve_files(site, HostStack(), host="127.0.0.1", port=port, wall=time.time)


async def ours_asgi(port: int) -> None:
    """Serve the application."""
    await serve_asgi(application, HostStack(), host="127.0.0.1", port=port, wall=time.time)


def uvicorn(parser: str) -> Callable[[int], Any]:
    """Return uvicorn with one of its parsers, on asyncio's own loop as ours."""

    async def serve(port: int) -> None:
        from uvicorn import Config, Server

        config = Config(application, port=port, http=parser, loop="asyncio", access_log=False, log_level="warning")
        await Server(config).serve()

    return serve


SERVERS: Mapping[str, Callable[[int], Any]] = {
    "fata, a file": ours_files,
    "fata, ASGI": ours_asgi,
    REFERENCE: uvicorn("h11"),
    "uvicorn with httptools": uvicorn("httptools"),
}


class Load(NamedTuple):
    """What one run of wrk saw, and what it cost the server."""

    rate: float  # requests a second
    cpu: float  # seconds for 10,000 requests
    p99: float  # milliseconds


@contextmanager
def started(name: str) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own; give its process and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    words = [sys.executable, "-m", "benchmarks.http", "--serve", name, "--port", str(port)]
    process = subprocess.Popen(words, cwd=Path(__file__).parents[1])
    try:
        wait_for(port)
        yield process.pid, port
    finally:
        process.kill()
        process.wait()


def wait_for(port: int) -> None:
    """Wait until a server answers as it should."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                if answer.read() != BODY or not answer.headers["date"]:
                    raise RuntimeError("the servers must answer alike")
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers at port {port}")


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process so far, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Wrk(NamedTuple):
    """What wrk said of one run."""

    requests: int
    rate: float  # requests a second
    p99: float  # milliseconds


def wrk(url: str, seconds: float, connections: int = CONNECTIONS) -> Wrk:
    """Run wrk; a refused or wrong answer is an error."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    if "Socket errors" in said or "Non-2xx" in said:
        raise RuntimeError(said)
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    percentile = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    assert percentile is not None, said
    requests, rate = found(r"(\d+) requests in", said), found(r"Requests/sec:\s+([\d.]+)", said)
    return Wrk(int(requests), rate, float(percentile[1]) * unit[percentile[2]])


def load(process: int, port: int, seconds: int) -> Load:
    """Load a server for so many seconds."""
    before = cpu_seconds(process)
    seen = wrk(f"http://127.0.0.1:{port}/", seconds)
    spent = cpu_seconds(process) - before
    return Load(seen.rate, spent / seen.requests * 10_000, seen.p99)


def found(pattern: str, text: str) -> float:
    """Return the number that a pattern finds."""
    match = re.search(pattern, text)
    assert match is not None, text
    return float(match[1])


def measure(rounds: int, seconds: int) -> dict[str, Load]:
    """Return each server's medians over the rounds."""
    seen: dict[str, list[Load]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, loads in seen.items():
            with started(name) as (process, port):
                load(process, port, 1)  # warm
                loads.append(load(process, port, seconds))
    return {name: Load(*map(statistics.median, zip(*loads, strict=True))) for name, loads in seen.items()}


def main() -> None:
    """Measure and print; exit with 1 beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of a second instead of three of three")
    parser.add_argument("--serve", choices=list(SERVERS), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        logging.basicConfig(level=logging.WARNING)
        asyncio.run(SERVERS[options.serve](options.port))
        return
    if shutil.which("wrk") is None:
        sys.exit("benchmarks.http needs wrk: apt-get install wrk")
    rounds, seconds = (1, 1) if options.quick else (3, 3)
    title = f"HTTP: {len(BODY)} octets, {CONNECTIONS} connections, medians of {rounds} × {seconds} s"
    headings = ("server", "requests/s", "CPU s / 10,000", "p99 ms", "× rate", "× CPU")
    with Table(title, *headings) as table:
        loads = measure(rounds, seconds)
        base = loads[REFERENCE]
        for name, seen in loads.items():
            table.row(name, round(seen.rate), seen.cpu, seen.p99, seen.rate / base.rate, seen.cpu / base.cpu)
    slow = [name for name in ("fata, a file", "fata, ASGI") if loads[name].cpu >= base.cpu]
    if slow:
        sys.exit(f"more CPU than {REFERENCE}: {', '.join(slow)}")


if __name__ == "__main__":
    main()
