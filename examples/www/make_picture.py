"""Makes htdocs/mirage.png: an island above a cold sea, and its Fata Morgana, drawn with arithmetic alone.

In a Fata Morgana light bends on its way through layers of air, so that what lies behind the horizon stands
above it, upside down and stretched. The picture does just that: the strip over the horizon shows the island's
silhouette again, mirrored, two and a half times as tall and blurred by the layers.
"""

import math
import struct
import zlib
from pathlib import Path

TARGET = Path(__file__).parent / "htdocs" / "mirage.png"

WIDTH, HEIGHT = 960, 480
HORIZON = 330  # rows from the top
LAYERS = 7  # of air; each shifts the image a little

Colour = tuple[int, int, int]

SKY_TOP: Colour = (38, 48, 92)
SKY_LOW: Colour = (250, 190, 140)
SEA_NEAR: Colour = (18, 28, 58)
SEA_FAR: Colour = (150, 120, 130)
ISLAND: Colour = (46, 40, 74)
GHOST: Colour = (84, 66, 100)
SUN: Colour = (255, 236, 190)
SUN_X, SUN_Y, SUN_RADIUS = 700, 250, 34


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a colour between two; a share of 0 is the first."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red & 0xFE, green & 0xFE, blue & 0xFE  # a bit less to store, and nobody sees it


def island_height(column: float) -> float:
    """Return how many rows the island rises above the horizon at a column."""
    peaks = ((300, 110, 34), (390, 60, 48), (210, 80, 22), (520, 46, 18), (620, 30, 26))
    return sum(height * math.exp(-(((column - centre) / width) ** 2)) for centre, width, height in peaks)


def sky(column: int, row: int) -> Colour:
    """Return the sky, with the sun in it."""
    colour = mixed(SKY_TOP, SKY_LOW, (row / HORIZON) ** 1.6)
    distance = math.hypot(column - SUN_X, (row - SUN_Y) * 1.1)
    glow = math.exp(-((max(distance - SUN_RADIUS, 0.0) / 60.0) ** 0.8)) * 0.7 if distance > SUN_RADIUS else 1.0
    return mixed(colour, SUN, glow)


def ghost(column: int, row: int) -> float:
    """Return how much of the mirage is seen at a place in the sky."""
    above = HORIZON - row
    layer = above * LAYERS // 170
    wobble = 4.0 * math.sin(above / 9.0) + 5.0 * math.sin(layer * 2.4)
    ceiling = 160 - 2.6 * island_height(column + wobble)  # the mirror image hangs from here down
    if above > 160 or above < ceiling:
        return 0.0
    return (0.8 - 0.12 * (layer % 2)) * (1.0 - above / 190) * min((above - ceiling) / 3, 1.0)


def sea(column: int, row: int) -> Colour:
    """Return the sea, with the sun's path on it."""
    depth = (row - HORIZON) / (HEIGHT - HORIZON)
    colour = mixed(SEA_FAR, SEA_NEAR, depth**0.6)
    ripple = math.sin(row * row / 90.0 + math.sin(column / (14 + 60 * depth)) * 2.0)
    path = math.exp(-(((column - SUN_X) / (26 + 90 * depth)) ** 2))
    return mixed(colour, SUN, path * max(ripple, 0.0) * (0.8 - 0.5 * depth))


def pixel(column: int, row: int) -> Colour:
    """Return the colour of a pixel."""
    if row >= HORIZON:
        return sea(column, row)
    if HORIZON - row <= island_height(column):
        return ISLAND
    return mixed(sky(column, row), GHOST, ghost(column, row))


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk: length, kind, data, check sum (PNG specification, 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png() -> bytes:
    """Return the picture. Each row is stored as the difference from the row above it (filter 2)."""
    rows, above = [], bytes(3 * WIDTH)
    for row in range(HEIGHT):
        line = bytes(value for column in range(WIDTH) for value in pixel(column, row))
        rows.append(b"\2" + bytes((value - over) % 256 for value, over in zip(line, above, strict=True)))
        above = line
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    picture = zlib.compress(b"".join(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", picture) + chunk(b"IEND", b"")


if __name__ == "__main__":
    TARGET.write_bytes(png())
