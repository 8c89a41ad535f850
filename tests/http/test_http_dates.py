"""Dates in header fields, against the standard library's reading of them."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fata.http.dates import LAST, http_date, parse_http_date


@given(st.floats(0, LAST))
def test_date_is_written_as_others_write_it_and_read_back(seconds: float) -> None:
    written = http_date(seconds)
    assert written.decode() == formatdate(int(seconds), usegmt=True)
    assert parse_http_date(written) == int(seconds)
    assert int(parsedate_to_datetime(written.decode()).timestamp()) == int(seconds)


@pytest.mark.parametrize("seconds", [-1, -1e300, LAST + 1, 1e300])
def test_moment_outside_the_format_is_moved_to_its_edge(seconds: float) -> None:
    assert parse_http_date(http_date(seconds)) in (0, LAST)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        (b"Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        (b"Sun Nov  6 08:49:37 1994", 784111777),
        (b"Thursday, 01-Jan-70 00:00:00 GMT", 0),
        (b"Thursday, 01-Jan-69 00:00:00 GMT", 3124224000),  # 2069, not 1969
        (b"Wed, 31 Dec 2008 23:59:60 GMT", 1230767999),  # a leap second
        (b"Sun, 06 Nov 1994 08:49:37 CET", None),
        (b"Sun, 06 Nov 1994 24:49:37 GMT", None),
        (b"Sun, 31 Feb 1994 08:49:37 GMT", None),
        (b"Sun, 06 Foo 1994 08:49:37 GMT", None),
        (b"Sun, 06 Nov 0000 08:49:37 GMT", None),
        (b"784111777", None),
        (b"", None),
    ],
)
def test_date_is_read_in_each_of_its_formats(value: bytes, seconds: int | None) -> None:
    assert parse_http_date(value) == seconds


@given(st.binary(max_size=40) | st.from_regex(rb"\A[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z"))
def test_anything_is_a_date_or_is_not(value: bytes) -> None:
    seconds = parse_http_date(value)
    assert seconds is None or seconds <= LAST
