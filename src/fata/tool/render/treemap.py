"""Draws sizes as areas: a treemap of groups and their parts, in SVG.

Rows are laid along the shorter side of what is left, each as long as its rectangles still become squarer (Bruls,
Huizing and van Wijk, "Squarified Treemaps", 2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from fata.target.image.sizes import Group
from fata.tool.render.metrics import shortened, width
from fata.tool.render.visible import visible

# Sizes in CSS pixels.
WIDE, HIGH = 1200.0, 760.0
TITLE = 34.0
HEAD = 18.0  # of a group, above its parts
FONT = 11.0
GAP = 2.0
LEAST = 5  # characters of a name that still tell something
COLOURS = ("#2563eb", "#16a34a", "#a16207", "#9333ea", "#dc2626", "#0891b2", "#db2777", "#4d7c0f", "#57534e")

STYLE = """
    text { font-family: system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; font-size: 11px; fill: #ffffff }
    .paper { fill: #ffffff }
    .title { font-size: 16px; font-weight: 600; fill: #0f172a }
    .part { fill: #000000; fill-opacity: 0.2; stroke: #ffffff; stroke-opacity: 0.6 }
    .head { font-weight: 600 }
    @media (prefers-color-scheme: dark) { .paper { fill: #0f172a } .title { fill: #e2e8f0 } .part { stroke: #0f172a } }
"""


class Area(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def draw(title: str, groups: Sequence[Group]) -> str:
    """Draw the groups as one SVG document. Every rectangle has a tooltip with its name and octets."""
    areas = squarify([group.size for group in groups], Area(0, TITLE, WIDE, HIGH - TITLE))
    body = [line for number, pair in enumerate(zip(groups, areas, strict=True)) for line in _group(number, *pair)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE:.0f}" height="{HIGH:.0f}"'
            f' viewBox="0 0 {WIDE:.0f} {HIGH:.0f}" role="img" aria-labelledby="title">',
            f'  <title id="title">{escape(visible(title))}</title>',
            f"  <style>{STYLE}  </style>",
            '  <rect class="paper" width="100%" height="100%"/>',
            f'  <text class="title" x="4" y="22">{escape(visible(title))}</text>',
            *body,
            "</svg>",
            "",
        ]
    )


def squarify(sizes: Sequence[float], area: Area) -> list[Area]:
    """Divide an area among sizes, which come in falling order. Together the results cover it."""
    areas: list[Area] = []
    left = list(sizes)
    while left:
        scale = area.width * area.height / sum(left) if sum(left) else 0.0
        side = min(area.width, area.height)
        count = 1
        while count < len(left) and _worst(left[: count + 1], scale, side) <= _worst(left[:count], scale, side):
            count += 1
        row, left = left[:count], left[count:]
        placed, area = _row(row, scale, area)
        areas += placed
    return areas


def _worst(row: Sequence[float], scale: float, side: float) -> float:
    """Return how far from square the least square rectangle of a row would be."""
    total = sum(row) * scale
    if not total or not side or not min(row):
        return float("inf")
    depth = total / side
    return max(max(depth * depth / (size * scale), size * scale / (depth * depth)) for size in (row[0], row[-1]))


def _row(row: Sequence[float], scale: float, area: Area) -> tuple[list[Area], Area]:
    """Lay a row along the shorter side; return its rectangles and what is left of the area."""
    total = sum(row)
    upright = area.width >= area.height
    side = area.height if upright else area.width
    depth = total * scale / side if side else 0.0
    placed, at = [], area.y if upright else area.x
    for size in row:
        length = side * size / total if total else 0.0
        placed.append(Area(area.x, at, depth, length) if upright else Area(at, area.y, length, depth))
        at += length
    if upright:
        return placed, Area(area.x + depth, area.y, max(0.0, area.width - depth), area.height)
    return placed, Area(area.x, area.y + depth, area.width, max(0.0, area.height - depth))


def _group(number: int, group: Group, area: Area) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    inner = Area(area.x + GAP, area.y + GAP, max(0.0, area.width - 2 * GAP), max(0.0, area.height - 2 * GAP))
    label = f"{group.name}, {group.size:,}"
    yield f'  <g class="group" data-name="{escape(visible(group.name))}" data-size="{group.size}">'
    yield f"    <title>{escape(visible(label))} octets</title>"
    yield f'    <rect {_extent(inner)} fill="{colour}"/>'
    yield from _text(label, inner, "head")
    if inner.height > HEAD:
        rest = Area(inner.x, inner.y + HEAD, inner.width, inner.height - HEAD)
        for part, place in zip(group.parts, squarify([part.size for part in group.parts], rest), strict=True):
            yield f'    <g class="module" data-name="{escape(visible(part.name))}" data-size="{part.size}">'
            yield f"      <title>{escape(visible(f'{group.name}: {part.name}, {part.size:,} octets'))}</title>"
            yield f'      <rect class="part" {_extent(place)}/>'
            yield from _text(part.name, place, "name")
            yield "    </g>"
    yield "  </g>"


def _text(text: str, area: Area, kind: str) -> Iterator[str]:
    fitting = shortened(visible(text), max(LEAST, int(area.width / FONT / 0.6) - 1))
    if area.height > FONT + 4 and width(fitting, FONT, bold=kind == "head") < area.width - 4:
        yield f'      <text class="{kind}" x="{area.x + 3:.1f}" y="{area.y + FONT + 1:.1f}">{escape(fitting)}</text>'


def _extent(area: Area) -> str:
    return f'x="{area.x:.1f}" y="{area.y:.1f}" width="{area.width:.1f}" height="{area.height:.1f}"'
