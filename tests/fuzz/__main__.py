"""A fuzzer without coverage: damages golden inputs, reports what a parser should not have raised.

    .venv/bin/python -m tests.fuzz [TARGET]… --iterations 100000 --seed 7

The same seed gives the same inputs. A finding is told with its seed and its shortest input; the status is then 1.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from random import Random
from types import FrameType
from typing import NamedTuple

from tests.fuzz import disk_targets, image_targets, link_targets, machine_targets, message_targets
from tests.fuzz.mutation import damaged, minimised
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    **link_targets.TARGETS,
    **message_targets.TARGETS,
    **machine_targets.TARGETS,
    **disk_targets.TARGETS,
    **image_targets.TARGETS,
}
LIMIT = 5.0  # seconds of processor time for one input: beyond it a parser hangs
KEPT = 4096  # accepted inputs that are damaged further


class Finding(NamedTuple):
    """An input that a target did not survive."""

    target: str
    seed: int
    iteration: int
    octets: bytes
    error: Exception

    def __str__(self) -> str:
        return (
            f"{self.target}: {type(self.error).__name__}: {self.error}\n"
            f"  seed {self.seed}, iteration {self.iteration}, input {self.octets.hex()}"
        )


class Hangs(Exception):
    """One input took longer than `LIMIT`."""


def fuzz(name: str, target: Target, seed: int, iterations: int) -> Finding | None:
    """Run one target; return its first finding, minimised. Needs the main thread: a timer watches each input."""
    random = Random(f"{name} {seed}")
    corpus: list[bytes] = list(target.corpus)
    previous = signal.signal(signal.SIGVTALRM, _stop)
    try:
        for iteration in range(iterations):
            octets = damaged(random, random.choice(corpus), corpus)
            error = watched(target, octets)
            if error is not None:
                shortest = minimised(octets, lambda shorter: _same(watched(target, shorter), error))  # noqa: B023
                return Finding(name, seed, iteration, shortest, watched(target, shortest) or error)
            if random.random() < 0.01 and len(corpus) < KEPT:
                corpus.append(octets)
        return None
    finally:
        signal.signal(signal.SIGVTALRM, previous)


def watched(target: Target, octets: bytes) -> Exception | None:
    """Try one input, for so long."""
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        return target.finding(octets)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Hangs(f"more than {LIMIT:.0f} s for one input")


def _same(one: Exception | None, other: Exception) -> bool:
    return type(one) is type(other)


def main(words: Sequence[str] | None = None) -> int:
    """Run the named targets, or all; return the status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--iterations", type=int, default=2000, help="inputs for each target (%(default)s)")
    parser.add_argument("--seed", type=int, help="default: any")
    options = parser.parse_args(words)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    status = 0
    for name in options.targets or TARGETS:
        finding = fuzz(name, TARGETS[name], seed, options.iterations)
        print(finding or f"{name}: {options.iterations:,} inputs, seed {seed}, nothing found", flush=True)
        status |= finding is not None
    return status


if __name__ == "__main__":
    sys.exit(main())
