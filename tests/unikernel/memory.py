"""Memory of a guest, by its own counters, and when it counts as flat."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import NamedTuple

from tests.unikernel.guest import EXAMPLES, Unikernel

PORT = "9"
METER = Path(__file__).with_name("meter.py")
JOB = 'main("meter:Meter", stack=generic_stack())'

# Between two readings with the same connections open. What is kept for a request, however small, is a block at least;
# a pool of blocks, an arena or a table that grows in steps is not a leak, nor are the few objects that come and go.
MOST_BLOCKS = 0.02  # a request
MOST_OCTETS = 32  # of the kernel's pages, a request
SLACK_BLOCKS = 1000  # five for each of 200 connections: what one holds differs from answer to answer
SLACK_PAGES = 128  # half an arena of Python's


class Reading(NamedTuple):
    """What the guest said."""

    free_pages: int
    blocks: int


def metered(example: str, folder: Path, extra: dict[str, str] | None = None) -> Path:
    """Copy an example into `folder` with the meter as a second job, and files of `extra` over it; return the copy."""
    copy = folder / example
    shutil.copytree(EXAMPLES / example, copy, ignore=shutil.ignore_patterns("build", "__pycache__", "test_*"))
    shutil.copy(METER, copy)
    config = copy / "config.py"
    jobs = config.read_text().rstrip().removesuffix(")")
    config.write_text(f"from fata.config import generic_stack, main, register\n{jobs}, {JOB})\n")
    for name, text in (extra or {}).items():
        (copy / name).write_text(text)
    return copy


def read(guest: Unikernel) -> Reading:
    """Ask a metered guest."""
    with socket.create_connection(("127.0.0.1", guest.port(PORT)), timeout=30) as connection:
        answer = b""
        while piece := connection.recv(100):
            answer += piece
    return Reading(*map(int, answer.split()))


def growth(before: Reading, after: Reading, requests: int) -> str:
    """Say in which way memory was not flat while so many requests were answered; nothing when it was."""
    blocks = after.blocks - before.blocks
    pages = before.free_pages - after.free_pages
    found = []
    if blocks > SLACK_BLOCKS + MOST_BLOCKS * requests:
        found.append(f"{blocks} blocks of Python's")
    if pages > SLACK_PAGES + MOST_OCTETS * requests / 4096:
        found.append(f"{pages} pages")
    return " and ".join(found)
