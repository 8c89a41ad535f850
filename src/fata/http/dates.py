"""Dates in header fields (RFC 9110, 5.6.7): written in one format, understood in three, in no language but theirs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

TIME = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
FORMATS = (
    re.compile(rb"[A-Z][a-z]{2}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) " + TIME + rb" GMT"),
    re.compile(rb"[A-Z][a-z]{5,8}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{2})-(?P<year>\d\d) " + TIME + rb" GMT"),
    re.compile(rb"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) " + TIME + rb" (?P<year>\d{4})"),
)
CENTURY = 1970  # a year of two digits lies in the hundred years from here on

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253402300799  # 9999-12-31T23:59:59Z, the end of four-digit years


def http_date(seconds: float) -> bytes:
    """Format POSIX seconds, "Sun, 06 Nov 1994 08:49:37 GMT"; what is not in the years 1970 to 9999 is moved there."""
    moment = EPOCH + timedelta(seconds=min(max(int(seconds), 0), LAST))
    return b"%b, %02d %b %04d %02d:%02d:%02d GMT" % (
        DAYS[moment.weekday()],
        moment.day,
        MONTHS[moment.month - 1],
        moment.year,
        moment.hour,
        moment.minute,
        moment.second,
    )


def parse_http_date(value: bytes) -> int | None:
    """Return POSIX seconds; None for what is no date, which a recipient has to ignore."""
    match = next((found for form in FORMATS if (found := form.fullmatch(value))), None)
    if match is None or match["month"] not in MONTHS:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        year += CENTURY - CENTURY % 100 + (100 if year < CENTURY % 100 else 0)
    clock = (int(match["hour"]), int(match["minute"]), min(int(match["second"]), 59))  # a leap second is 59 to us
    try:
        moment = datetime(year, MONTHS.index(match["month"]) + 1, int(match["day"]), *clock, tzinfo=UTC)
    except ValueError:
        return None
    return int((moment - EPOCH).total_seconds())
