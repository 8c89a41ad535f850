"""Draws how engines fare as the number of keys grows: two charts, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Iterable
from math import log10
from typing import NamedTuple

WIDTH, HEIGHT = 420, 300  # of a chart, in pixels
LEFT, TOP, BOTTOM = 60, 40, 40  # margins
COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#7d6608", "#6c3483")


class Point(NamedTuple):
    """An engine's rates at one size."""

    engine: str
    keys: int
    puts: float
    gets: float


def draw(points: list[Point]) -> str:
    """Return an SVG."""
    charts = [
        chart("durable puts a second, in batches of 1,000", [(one.engine, one.keys, one.puts) for one in points], 0),
        chart("gets a second", [(one.engine, one.keys, one.gets) for one in points], WIDTH + LEFT + 30),
    ]
    width, height = 2 * (WIDTH + LEFT + 30), TOP + HEIGHT + BOTTOM + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(charts)}</svg>\n'
    )


def chart(title: str, values: list[tuple[str, int, float]], left: int) -> str:
    """Return one chart; the engines' names stand beside their lines."""
    low, high = log10(min(rate for _, _, rate in values)), log10(max(rate for _, _, rate in values))
    first, last = log10(min(keys for _, keys, _ in values)), log10(max(keys for _, keys, _ in values))

    def x(keys: int) -> float:
        return left + LEFT + (log10(keys) - first) / max(last - first, 0.1) * WIDTH * 0.7

    def y(rate: float) -> float:
        return TOP + HEIGHT - (log10(rate) - low) / max(high - low, 0.1) * HEIGHT

    parts = [f'<text x="{left + LEFT}" y="20" font-weight="bold">{title}</text>']
    for keys in sorted({keys for _, keys, _ in values}):
        parts.append(f'<text x="{x(keys):.0f}" y="{TOP + HEIGHT + 25}" text-anchor="middle">{keys:,}</text>')
    for colour, engine in zip(COLOURS, dict.fromkeys(name for name, _, _ in values), strict=False):
        line = [(keys, rate) for name, keys, rate in values if name == engine]
        parts.append(polyline(colour, ((x(keys), y(rate)) for keys, rate in line)))
        for keys, rate in line:
            parts.append(
                f'<text x="{x(keys):.0f}" y="{y(rate) - 6:.0f}" fill="{colour}" text-anchor="middle" '
                f'font-size="10">{rate:,.0f}</text>'
            )
        keys, rate = line[-1]
        parts.append(f'<text x="{x(keys) + 30:.0f}" y="{y(rate) + 4:.0f}" fill="{colour}">{engine}</text>')
    return "".join(parts)


def polyline(colour: str, corners: Iterable[tuple[float, float]]) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
