"""Flame graphs: what was sampled is drawn as wide as it was seen, callers below what they call."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from benchmarks.flame_graph import WIDTH, draw, merge, shares

STACKS = {("main:run", "fata.http:serve", "h11:next"): 6, ("main:run", "fata.http:serve"): 2, ("other:<lambda>",): 2}
BOX = re.compile(r'<title>(.*?): \d+ of 10 samples.*?<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"')


def test_equal_callers_are_one() -> None:
    root = merge(STACKS)
    assert (root.seen, root.depth) == (10, 4)
    assert root.below["main:run"].below["fata.http:serve"].seen == 8


def test_a_call_stands_on_its_caller_as_wide_as_it_was_seen() -> None:
    picture = draw(STACKS, "a <title> & more")
    ElementTree.fromstring(picture)
    boxes = {name: (float(x), int(y), float(width)) for name, x, y, width in BOX.findall(picture)}
    serve, following = boxes["fata.http:serve"], boxes["h11:next"]
    assert boxes["all"][2] == WIDTH
    assert (serve[2], following[2]) == (WIDTH * 0.8, WIDTH * 0.6)
    assert (following[0], following[1] < serve[1] < boxes["main:run"][1]) == (serve[0], True)
    assert "other:&lt;lambda&gt;" in boxes


def test_nothing_sampled_is_an_empty_picture() -> None:
    ElementTree.fromstring(draw({}, "nothing"))
    assert shares({}, 3) == []


def test_shares_are_of_the_innermost_calls() -> None:
    assert shares(STACKS, 2) == [("h11", 0.6), ("fata.http", 0.2)]
