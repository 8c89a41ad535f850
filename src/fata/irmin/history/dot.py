"""A history as a picture: DOT for Graphviz, and SVG of our own, a row a commit and a column a line of development."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TypeVar

from fata.irmin.commit import Commit
from fata.irmin.history.walk import History

T = TypeVar("T")

ROW, COLUMN, RADIUS = 28, 18, 5  # pixels
COLOURS = ("#3b6ea5", "#a5573b", "#4c8c4a", "#8a4fa3", "#a08a2c", "#2c9a9a")


def to_dot(history: History[T], names: Mapping[Commit[T], list[str]]) -> str:
    """Return the graph in DOT: commits as boxes, branches as ellipses that point to them."""
    lines = ["digraph history {", "  rankdir=BT;", '  node [shape=box, fontname="monospace", fontsize=10];']
    for commit in history.commits:
        lines.append(f'  "{commit.hex}" [label="{_quoted(_label(commit))}"];')
        lines += [f'  "{commit.hex}" -> "{parent.hex}";' for parent in history.parents[commit]]
        for name in names.get(commit, ()):
            lines.append(f'  "branch {_quoted(name)}" [shape=ellipse, label="{_quoted(name)}"];')
            lines.append(f'  "branch {_quoted(name)}" -> "{commit.hex}" [style=dashed];')
    return "\n".join([*lines, "}", ""])


def _label(commit: Commit[T]) -> str:
    subject = commit.info.message.partition("\n")[0]
    return f"{commit.hex[:8]} {subject}" if subject else commit.hex[:8]


def _quoted(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')


def to_svg(history: History[T], names: Mapping[Commit[T], list[str]]) -> str:
    """Return the graph as SVG, without any other program."""
    columns = _columns(history)
    places = {
        commit: (columns[commit] * COLUMN + COLUMN, row * ROW + ROW) for row, commit in enumerate(history.commits)
    }
    left = (max(columns.values(), default=0) + 2) * COLUMN
    lines, dots = [], []
    for commit, (x, y) in places.items():
        colour = COLOURS[columns[commit] % len(COLOURS)]
        for parent in history.parents[commit]:
            lines.append(_line((x, y), places[parent], COLOURS[max(columns[commit], columns[parent]) % len(COLOURS)]))
        branches = "".join(f"[{name}] " for name in names.get(commit, ()))
        text = escape("".join(each if each.isprintable() else " " for each in branches + _label(commit)))
        dots.append(
            f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{colour}"/><text x="{left}" y="{y + 4}">{text}</text>'
        )
    height = (len(history.commits) + 1) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + 640}" height="{height}" '
    style = 'font-family="monospace" font-size="12" fill="none" stroke-width="2">'
    return "\n".join([head + style, *lines, '<g fill="#222">', *dots, "</g>", "</svg>", ""])


def _line(start: tuple[int, int], end: tuple[int, int], colour: str) -> str:
    (x, y), (u, v) = start, end
    bend = f"C {x} {y + ROW} {u} {v - ROW} {u} {v}" if x != u else f"L {u} {v}"
    return f'<path d="M {x} {y} {bend}" stroke="{colour}"/>'


def _columns(history: History[T]) -> dict[Commit[T], int]:
    """Give each commit a column: its first child's, or a free one, from its first child's row down to its own."""
    columns: dict[Commit[T], int] = {}
    lanes: list[Commit[T] | None] = []  # which commit a column leads down to
    for commit in history.commits:
        mine = [number for number, waited in enumerate(lanes) if waited == commit]
        column = mine[0] if mine else _free(lanes)
        columns[commit] = column
        for number in mine:
            lanes[number] = None
        for number, parent in enumerate(history.parents[commit]):
            if parent not in lanes:
                lanes[column if number == 0 else _free(lanes)] = parent
    return columns


def _free(lanes: list[Commit[T] | None]) -> int:
    if None not in lanes:
        lanes.append(None)
    return lanes.index(None)
