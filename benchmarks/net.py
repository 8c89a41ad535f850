"""Our network stack beside the kernel's and lwIP, in one run: what a CPU second of the process moves.

Each system is a process of its own with the same services (net_programs.py, lwip/services.c), loaded from the
kernel's side (net_loads.py) over an interface of its own (net_systems.py), one after the other, round after round,
so that a noisy minute hits all of them. A figure is divided by the CPU seconds, user and system, that the process
spent on it; the wall's rates stand in a table of their own. All of TCP is on everywhere. Needs root, wrk, gcc, lwIP.

Limits, for each CPU second: 0.8 Gbit in frames of an MTU and 15 with offload, each way; 35,000 HTTP requests, and
0.8 times what asyncio on the kernel's sockets answers with the same Protocol; 40,000 datagrams echoed; 5,000
connections made and closed. `stretch` is only told: it is mirage-tcpip's best over TAP on such a machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from time import sleep
from typing import NamedTuple

from benchmarks import net_loads as loads
from benchmarks import net_programs as ports
from benchmarks.http import cpu_seconds
from benchmarks.net_loads import Moved
from benchmarks.net_systems import ASYNCIO, LINUX, LINUX_MTU, LWIP_MTU, MTU, OFFLOAD, PACKET, RING, System, started
from benchmarks.table import Table

SYSTEMS = (OFFLOAD, MTU, PACKET, RING, ASYNCIO, LINUX, LINUX_MTU, LWIP_MTU)
BULK = SYSTEMS
SMALL = (OFFLOAD, MTU, ASYNCIO, LWIP_MTU)
PARSED = (OFFLOAD, ASYNCIO)
SETTLE = 0.1  # seconds after a load, for what is still under way


class Work(NamedTuple):
    """One kind of load."""

    title: str
    load: Callable[[str, float], Moved]
    systems: tuple[str, ...]


class Seen(NamedTuple):
    """One measurement, or the medians of several."""

    by_cpu: float  # a CPU second
    by_wall: float  # a second
    p99: float  # milliseconds


class Goal(NamedTuple):
    """What our stack is to reach, for each CPU second."""

    title: str
    system: str
    limit: float
    beside: str = ""  # whoever the ratio is to
    ratio: float = 0.0
    stretch: float = 0.0


RECEIVE, SEND = "receive, Gbit", "send, Gbit"
REQUESTS, DATAGRAMS = "HTTP requests on a Protocol", "datagrams echoed"
CONNECTIONS, ECHOES = "connect + close", "echoes, one connection"
WORK = (
    Work(RECEIVE, loads.receive, BULK),
    Work(SEND, loads.send, BULK),
    Work(REQUESTS, partial(loads.web, ports.HTTP), (*SMALL, PACKET, RING)),
    Work(DATAGRAMS, loads.echo_datagrams, SMALL),
    Work(CONNECTIONS, loads.connect_and_close, SMALL),
    Work(ECHOES, loads.echo, SMALL),
    Work("www: a file, h11", partial(loads.web, ports.WWW), PARSED),
    Work("ASGI, h11", partial(loads.web, ports.ASGI), PARSED),
    Work("uvicorn, h11", partial(loads.web, ports.UVICORN), PARSED),
)
GOALS = (
    Goal(RECEIVE, MTU, 0.8, LWIP_MTU, stretch=1.7),
    Goal(SEND, MTU, 0.8, LWIP_MTU, stretch=1.0),
    Goal(RECEIVE, OFFLOAD, 15, LINUX, stretch=1.7),
    Goal(SEND, OFFLOAD, 15, LINUX, stretch=1.0),
    Goal(REQUESTS, OFFLOAD, 35_000, ASYNCIO, ratio=0.8, stretch=27_000),
    Goal(REQUESTS, RING, 35_000, ASYNCIO, ratio=0.8, stretch=27_000),
    Goal(DATAGRAMS, OFFLOAD, 40_000, ASYNCIO),
    Goal(CONNECTIONS, OFFLOAD, 5_000, ASYNCIO, stretch=3_000),
    Goal(ECHOES, OFFLOAD, 0, ASYNCIO, stretch=6_500),
)


def measure(work: Work, system: System, seconds: float) -> Seen:
    """Load a system once."""
    before = cpu_seconds(system.process)
    moved = work.load(system.address, seconds)
    sleep(SETTLE)
    spent = cpu_seconds(system.process) - before
    return Seen(moved.amount / spent, moved.amount / moved.seconds, moved.p99)


def measure_all(chosen: list[Work], rounds: int, seconds: float) -> dict[tuple[str, str], Seen]:
    """Return the medians of every system under every load."""
    seen: dict[tuple[str, str], list[Seen]] = {}
    with started() as (space, systems), space.entered():
        for work in chosen:
            for name in work.systems:
                work.load(systems[name].address, 0.2)  # warm
        for _ in range(rounds):
            for work in chosen:
                for name in work.systems:
                    seen.setdefault((work.title, name), []).append(measure(work, systems[name], seconds))
    return {key: Seen(*map(statistics.median, zip(*values, strict=True))) for key, values in seen.items()}


def show(chosen: list[Work], rounds: int, seconds: float) -> dict[tuple[str, str], Seen]:
    """Measure; print and return what each system reached."""
    title = f"network: for each CPU second, medians of {rounds} × {seconds} s"
    with Table(title, "load", *SYSTEMS) as table:
        seen = measure_all(chosen, rounds, seconds)
        for work in chosen:
            figures = [seen.get((work.title, name)) for name in SYSTEMS]
            table.row(work.title, *("" if one is None else rounded(one.by_cpu) for one in figures))
            table.row("  a second of the wall", *("" if one is None else rounded(one.by_wall) for one in figures))
            if any(one is not None and one.p99 for one in figures):
                table.row("  p99, ms", *("" if one is None else one.p99 for one in figures))
    return seen


def rounded(figure: float) -> float | int:
    """Write no more digits than can be trusted."""
    return round(figure) if figure >= 100 else figure


def judge(seen: dict[tuple[str, str], Seen]) -> list[str]:
    """Print our figures beside their goals; return what was missed."""
    missed = []
    headings = ("load", "system", "reached", "goal", "× beside", "beside", "goal", "stretch")
    with Table("network: goals, for each CPU second", *headings) as table:
        for goal in GOALS:
            if (goal.title, goal.system) not in seen:
                continue
            reached = seen[goal.title, goal.system].by_cpu
            ratio = reached / seen[goal.title, goal.beside].by_cpu
            stretch = f"{'reached' if reached >= goal.stretch else 'missed'}: {goal.stretch:,}" if goal.stretch else ""
            limits = goal.limit or "", goal.ratio or ""
            table.row(goal.title, goal.system, rounded(reached), limits[0], ratio, goal.beside, limits[1], stretch)
            if reached < goal.limit or ratio < goal.ratio:
                missed.append(f"{goal.title} ({goal.system})")
    return missed


def main() -> None:
    """Measure and print; exit with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of half a second instead of three of a second")
    parser.add_argument("--only", default="", help="only loads with this in their titles")
    options = parser.parse_args()
    rounds, seconds = (1, 0.5) if options.quick else (3, 1.0)
    chosen = [work for work in WORK if options.only in work.title]
    seen = show(chosen, rounds, seconds)
    if missed := judge(seen):
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
