"""Draws a flame graph: stacks that were sampled, one on the other, as wide as they were often seen.

The form is Brendan Gregg's: calls stand on their callers, equal ones side by side are one, and what is broad at the
top is where the time goes. The order from left to right is by name and means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

WIDTH = 1200
ROW = 17
TOP = 44  # above the highest row
NARROWEST = 0.4  # what would be less wide is left out
LETTER = 6.6  # width of one, more or less
COLOURS = {"fata.stack": "#e8a33d", "fata.proto": "#d96c3f", "fata.wire": "#d98f6c", "fata.driver": "#b0567a",
           "fata.http": "#5b8fb0", "fata.runtime": "#7a6fb0", "asyncio": "#6fa287", "h11": "#5b8fb0"}  # fmt: skip
OTHER = "#b9b09a"
STYLE = "text{font:11px monospace;fill:#222}rect{stroke:#fff;stroke-width:.5}"

Stacks = Mapping[tuple[str, ...], int]
"""How often each stack was seen; outermost call first."""


@dataclass
class Call:
    """A call, and what was called from it."""

    seen: int = 0
    below: dict[str, Call] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many calls stand on each other, this one included."""
        return 1 + max((each.depth for each in self.below.values()), default=0)


def merge(stacks: Stacks) -> Call:
    """Return all stacks as one tree."""
    root = Call()
    for names, count in stacks.items():
        root.seen += count
        call = root
        for name in names:
            call = call.below.setdefault(name, Call())
            call.seen += count
    return root


def draw(stacks: Stacks, title: str) -> str:
    """Return the graph as SVG: equal stacks make equal text."""
    root = merge(stacks)
    height = TOP + ROW * root.depth + 10
    body = "\n".join(_calls("all", root, 0.0, WIDTH / max(root.seen, 1), height - 10 - ROW, root.seen))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="8" y="22" style="font-size:14px">{escape(title)}</text>\n{body}\n</svg>\n'
    )


def _calls(name: str, call: Call, left: float, unit: float, top: float, total: int) -> Iterator[str]:
    width = call.seen * unit
    if width < NARROWEST:
        return
    share = f"{name}: {call.seen} of {total} samples, {call.seen / max(total, 1):.1%}"
    room = int((width - 6) / LETTER)
    text = name if len(name) <= room else name[: room - 1] + "…" if room > 3 else ""
    shown = f'<text x="{left + 3:.1f}" y="{top + 12:.0f}">{escape(text)}</text>' if text else ""
    yield (
        f'<g><title>{escape(share)}</title><rect x="{left:.1f}" y="{top:.0f}" width="{width:.1f}" '
        f'height="{ROW}" fill="{_colour(name)}"/>{shown}</g>'
    )
    for inner, below in sorted(call.below.items()):
        yield from _calls(inner, below, left, unit, top - ROW, total)
        left += below.seen * unit


def _colour(name: str) -> str:
    return next((colour for start, colour in COLOURS.items() if name.startswith(start)), OTHER)


def shares(stacks: Stacks, most: int) -> list[tuple[str, float]]:
    """Return the modules in which the innermost call was most often seen, each with its share of all samples."""
    own: dict[str, int] = {}
    for names, count in stacks.items():
        module = names[-1].partition(":")[0] if names else "?"
        own[module] = own.get(module, 0) + count
    total = max(sum(own.values()), 1)
    ranked = sorted(own.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(module, count / total) for module, count in ranked[:most]]
