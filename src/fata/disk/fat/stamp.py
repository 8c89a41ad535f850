"""FAT's dates and times: years from 1980 to 2107, two seconds, and tenths of a hundred for the rest.

    date: year - 1980 (7 bits) | month (4) | day (5)     time: hour (5) | minute (6) | second / 2 (5)
    tenths: 0 to 199, of 10 ms each, to be added to a time

Read and written as UTC.
"""

from __future__ import annotations

from typing import NamedTuple

EPOCH = 315_532_800  # POSIX time of 1980-01-01
LAST = 4_354_819_199  # 2107-12-31 23:59:59
_DAY = 86_400


class Stamp(NamedTuple):
    """A moment; the default is FAT's epoch, which stands for "unknown"."""

    date: int = 0x0021
    time: int = 0
    tenths: int = 0


UNKNOWN = Stamp()


def stamp(posix: float | None) -> Stamp:
    """Return a moment in POSIX seconds as FAT keeps it, moved into FAT's range; None is UNKNOWN."""
    if posix is None:
        return UNKNOWN
    seconds = min(max(int(posix), EPOCH), LAST)
    days, rest = divmod(seconds, _DAY)
    year, month, day = _civil(days)
    hundredths = int((posix - int(posix)) * 100) if seconds == int(posix) else 0
    return Stamp(
        (year - 1980) << 9 | month << 5 | day,
        rest // 3600 << 11 | rest % 3600 // 60 << 5 | rest % 60 // 2,
        rest % 2 * 100 + hundredths,
    )


def posix(date: int, time: int, tenths: int = 0) -> float | None:
    """Return POSIX seconds; None for "unknown" and for what is no date."""
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    hour, minute, second = time >> 11, time >> 5 & 63, (time & 31) * 2
    if (date, time) == (UNKNOWN.date, 0) or not (
        1 <= month <= 12 and day and hour < 24 and minute < 60 and second < 60
    ):
        return None
    whole = _days(year, month, day) * _DAY + hour * 3600 + minute * 60 + second
    return whole + tenths / 100 if 0 < tenths < 200 else float(whole)


def _civil(days: int) -> tuple[int, int, int]:
    """Turn days since 1970 into a date: years that begin in March have their leap day at the end."""
    days += 719_468  # since 0000-03-01
    era, day_of_era = divmod(days, 146_097)  # 400 years
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
