"""The guest's console: everything is shown but the kernel's last line with the exit status, in whatever pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.target.virtio.console import ConsoleFilter
from fata.target.virtio.guest import exit_status

LINES = st.lists(
    st.sampled_from([b"hello\n", b"exit status 7\n", b"exit status 130\r\n", b"exit", b"e", b"\n", b"exit status x\n"])
)


def filtered(pieces: list[bytes]) -> tuple[bytes, int | None]:
    console = ConsoleFilter()
    shown = b"".join(map(console.feed, pieces))
    left, status = console.finish()
    return shown + left, status


@pytest.mark.parametrize(
    ("written", "shown", "status"),
    [
        (b"", b"", None),
        (b"hello\n", b"hello\n", None),
        (b"hello\nexit status 7\n", b"hello\n", 7),
        (b"exit status 130\r\n", b"", 130),
        (b"exit status 7\nhello\n", b"exit status 7\nhello\n", None),
        (b"my exit status 7\n", b"my exit status 7\n", None),
        (b"exit status 7", b"exit status 7", None),
        (b"exit status 1\nexit status 2\n", b"exit status 1\n", 2),
        (b"exit sta", b"exit sta", None),
    ],
)
def test_only_the_last_line_is_the_kernels(written: bytes, shown: bytes, status: int | None) -> None:
    assert filtered([written]) == (shown, status)


@given(LINES, st.lists(st.integers(0, 60)))
def test_it_does_not_matter_how_it_arrives(lines: list[bytes], cuts: list[int]) -> None:
    written = b"".join(lines)
    edges = sorted({0, len(written), *(cut for cut in cuts if cut < len(written))})
    pieces = [written[start:end] for start, end in pairwise(edges)]
    assert filtered(pieces) == filtered([written])
    shown, status = filtered(pieces)
    assert shown == written or (status is not None and written.startswith(shown))


def test_a_prompt_is_shown_at_once() -> None:
    assert ConsoleFilter().feed(b"hello\nname: ") == b"hello\nname: "


@pytest.mark.parametrize(
    ("code", "told", "status"),
    [
        (1, None, 0),
        (15, None, 7),
        (15, 9, 7),
        (255, 200, 200),
        (255, None, 127),
        (0, None, 0),
        (0, 3, 3),
        (-9, None, 137),
    ],
)
def test_the_exit_status_of_a_program_is_read_from_qemus(code: int, told: int | None, status: int) -> None:
    assert exit_status(code, told) == status
