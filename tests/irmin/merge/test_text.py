"""Text merges as diff3 and git do it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from fata.blocking import drive
from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import known
from fata.irmin.merge.lines import MOST_EDITS, matches
from fata.irmin.merge.text import text


def merged(base: str | None, ours: str, theirs: str) -> str:
    result: str = drive(text(known(base), ours, theirs))
    return result


def test_changes_in_different_places_both_go_in() -> None:
    base = "one\ntwo\nthree\nfour\nfive\n"
    assert merged(base, base.replace("one", "1"), base.replace("five\n", "5\nsix")) == "1\ntwo\nthree\nfour\n5\nsix"


def test_the_same_change_on_both_sides_goes_in_once() -> None:
    assert merged("a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\nd\n") == "a\nB\nc\nd\n"


def test_a_conflict_shows_line_and_both_sides() -> None:
    with pytest.raises(Conflict) as caught:
        merged("a\nb\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n")
    assert (caught.value.reason, caught.value.ours, caught.value.theirs) == (
        "line 2: both sides changed it",
        "ours",
        "theirs",
    )


@pytest.mark.parametrize(("ours", "theirs"), [("a\nb\n", "c\n"), ("x", "y")])
def test_different_texts_without_an_ancestor_are_a_conflict(ours: str, theirs: str) -> None:
    with pytest.raises(Conflict):
        merged(None, ours, theirs)


def test_matches_are_as_many_as_can_be() -> None:
    chance = random.Random(1)
    for _ in range(300):
        old = [chance.choice("abc") for _ in range(chance.randrange(10))]
        new = [chance.choice("abc") for _ in range(chance.randrange(10))]
        found = matches(old, new)
        assert all(old[before] == new[after] for before, after in found)
        assert found == sorted(set(found))
        assert len({after for _, after in found}) == len(found)
        assert len(found) == longest_common(old, new)


def longest_common(old: list[str], new: list[str]) -> int:
    """Return how long the longest common subsequence is, by the textbook."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for row, before in enumerate(old):
        for column, after in enumerate(new):
            longer = max(table[row][column + 1], table[row + 1][column])
            table[row + 1][column + 1] = table[row][column] + 1 if before == after else longer
    return table[-1][-1]


@pytest.mark.slow
def test_very_different_texts_share_their_ends_only() -> None:
    lines = [str(number) for number in range(2 * MOST_EDITS)]
    other = ["first", *(f"{line}!" for line in lines), "last"]
    assert matches(["first", *lines, "last"], other) == [(0, 0), (len(lines) + 1, len(lines) + 1)]


@pytest.mark.peer
def test_where_git_merges_so_do_we(tmp_path: Path) -> None:
    chance = random.Random(7)
    clean = 0
    for _ in range(150):
        base = [f"{chance.choice('abcdefgh')}{at}" for at in range(chance.randrange(4, 14))]
        sides = [edited(base, chance) for _ in range(2)]
        paths = [tmp_path / name for name in ("ours", "base", "theirs")]
        for path, lines in zip(paths, (sides[0], base, sides[1]), strict=True):
            path.write_text("".join(f"{line}\n" for line in lines))
        git = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True, text=True, check=False)
        try:
            ours = merged(*(paths[at].read_text() for at in (1, 0, 2)))
        except Conflict:
            assert git.returncode != 0
        else:
            assert (git.returncode, git.stdout) == (0, ours)
            clean += 1
    assert 20 < clean < 130


def edited(lines: list[str], chance: random.Random) -> list[str]:
    """Return lines with one or two changed, put in or taken out."""
    new = list(lines)
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(new) + 1)
        new[at : at + chance.randrange(2)] = [f"new{chance.randrange(99)}" for _ in range(chance.randrange(2))]
    return new
