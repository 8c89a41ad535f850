"""The layout of SVG drawings: nothing lies on anything else, whatever the graph."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given

from fata.config.picture import Picture, PictureEdge
from fata.tool.render.layout import GAP, Box, Layout, Size, Slot, crossings, ordered, path, place
from fata.tool.render.svg import PORT, arrange
from tests.tool.render.pictures import SHOP, graphs

pytestmark = pytest.mark.slow  # in all, some seconds


def apart(one: Box, other: Box) -> bool:
    """Whether two boxes leave the gap between them, or stand in different columns."""
    beside = one.x + one.width < other.x or other.x + other.width < one.x
    return beside or one.y + one.height + GAP <= other.y + 0.01 or other.y + other.height + GAP <= one.y + 0.01


def within(box: Box, layout: Layout) -> bool:
    """Whether a box lies on the paper."""
    return box.x >= 0 and box.y >= 0 and box.x + box.width <= layout.width and box.y + box.height <= layout.height


@given(graphs())
def test_boxes_stand_apart_on_the_paper(picture: Picture) -> None:
    layout = arrange(picture)
    assert all(within(box, layout) for box in layout.boxes.values())
    assert all(apart(one, other) for one, other in combinations(layout.boxes.values(), 2))


@given(graphs())
def test_arrows_pass_between_boxes(picture: Picture) -> None:
    layout = arrange(picture)
    for way in layout.ways:
        for stretch in way:
            for box in layout.boxes.values():
                over = stretch.start < box.x + box.width and box.x < stretch.end
                assert not (over and box.y < stretch.y < box.y + box.height)


@given(graphs())
def test_arrows_bend_only_between_columns(picture: Picture) -> None:
    layout = arrange(picture)
    for way in layout.ways:
        for one, other in pairwise(way):
            assert one.end < other.start
            assert not any(one.end < box.x + box.width and box.x < other.start for box in layout.boxes.values())


@given(graphs())
def test_arrows_lead_from_the_right_of_one_box_to_the_left_of_the_other(picture: Picture) -> None:
    layout = arrange(picture)
    for edge, way in zip(picture.edges, layout.ways, strict=True):
        source, target = layout.boxes[edge.source], layout.boxes[edge.target]
        assert way[0].start == source.x + source.width
        assert source.y < way[0].y < source.y + source.height
        assert (way[-1].end, way[-1].start) == (target.x, target.x)
        assert target.y < way[-1].y < target.y + target.height


@given(graphs())
def test_arrows_that_leave_one_box_have_room_for_their_labels(picture: Picture) -> None:
    starts = sorted((way[0].start, way[0].y) for way in arrange(picture).ways)
    assert all(other[1] - one[1] >= PORT - 0.01 for one, other in pairwise(starts) if one[0] == other[0])


def test_every_device_stands_to_the_right_of_all_that_need_it() -> None:
    boxes = arrange(SHOP).boxes
    assert all(boxes[edge.source].x < boxes[edge.target].x for edge in SHOP.edges)


def test_arrows_that_need_not_cross_do_not() -> None:
    slots = {name: Slot(column, Size(10, 10), name) for name, column in (("a", 0), ("b", 0), ("x", 1), ("y", 1))}
    path(slots["a"], slots["y"])
    path(slots["b"], slots["x"])
    rows = [[slots["a"], slots["b"]], [slots["x"], slots["y"]]]
    assert crossings(rows) == 1
    assert crossings(ordered(rows)) == 0


def test_a_device_alone_with_its_user_is_level_with_it() -> None:
    layout = place({"a": Size(50, 40), "b": Size(50, 20)}, [PictureEdge("a", "b", "x")], [30.0])
    (way,) = layout.ways
    assert way[0].y == way[-1].y
