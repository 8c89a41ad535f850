"""Prints a benchmark's table, with what a number means nothing without: the interpreter, the machine, its load."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType


class Table:
    """Rows under headings, printed as Markdown when the block ends, so that a page can hold what a terminal shows.

    with Table("configure", "application", "wall ms", "limit ms") as table:
        table.row("hello", 212.0, 300)

    The load is read at the start and at the end; rows are printed even when the block fails.
    """

    def __init__(self, title: str, *headings: str) -> None:
        self.title = title
        self.headings = headings
        self.rows: list[tuple[str, ...]] = []
        self.load_before = ""

    def row(self, *cells: object) -> None:
        """Add a row; a float is shown with three significant digits."""
        if len(cells) != len(self.headings):
            raise ValueError(f"{len(cells)} cells under {len(self.headings)} headings")
        self.rows.append(tuple(shown(cell) for cell in cells))

    def __enter__(self) -> Table:
        self.load_before = load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        print(self.text(), flush=True)

    def text(self) -> str:
        """Return the table, below a line for the machine and one for its load."""
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        numbers = [all(is_number(cell) for cell in column) for column in zip(*self.rows, strict=True)] or [False] * len(
            widths
        )
        lines = [
            f"### {self.title}",
            "",
            f"{machine()}  ",
            f"load {self.load_before} at the start, {load()} at the end",
            "",
            line(aligned(self.headings, widths, numbers)),
            line(f"{'-' * (width - 1)}{':' if right else '-'}" for width, right in zip(widths, numbers, strict=True)),
            *(line(aligned(row, widths, numbers)) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def line(cells: Iterable[str]) -> str:
    """Join a row's cells."""
    return f"| {' | '.join(cells)} |"


def aligned(cells: tuple[str, ...], widths: list[int], numbers: list[bool]) -> Iterator[str]:
    """Pad cells to their column's width, numbers from the left."""
    for cell, width, right in zip(cells, widths, numbers, strict=True):
        yield cell.rjust(width) if right else cell.ljust(width)


def shown(cell: object) -> str:
    """Write a cell: 1234567 as 1,234,567; 0.012345 as 0.0123; 45.678 as 45.7."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:#.3g}".rstrip(".")


def is_number(cell: str) -> bool:
    """Whether a cell belongs on the right of its column."""
    return cell[:1].isdigit() or cell in ("", "-")


def machine() -> str:
    """Name the interpreter, the system and the processor."""
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    kernel = platform.release().partition("-")[0]  # the rest is a distributor's
    return f"{interpreter}, {platform.system()} {kernel}, {os.cpu_count()} × {processor()}"


def processor() -> str:
    """Name the processor's model."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    models = (row.partition(":")[2].strip() for row in text.splitlines() if row.startswith("model name"))
    return next(models, platform.machine())


def load() -> str:
    """Return how many programs wanted to run, on average over the last minute."""
    return f"{os.getloadavg()[0]:.2f}"
