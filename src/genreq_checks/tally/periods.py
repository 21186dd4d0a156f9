"""UTC days, months and years as the tally writes them: by their first day, as PostgreSQL writes a date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Unit = Literal["day", "month", "year"]
UNITS: tuple[Unit, ...] = ("day", "month", "year")
DAY_ONE = date(1970, 1, 1)
BEFORE_ALL, AFTER_ALL = "0001-01-01 BC", "10000-01-01"  # all years of which Python's dates know nothing, each as one
_DATE = re.compile(r"(\d+)-(\d\d)-(\d\d)( BC)?")


def period(day: str, unit: Unit) -> str:
    """The first day of the period in which a day lies; infinity is its own. BC is one year, and so is all after 9999."""
    found = _DATE.fullmatch(day)
    if unit == "day" or found is None:
        return day
    year, month, _, before_christ = found.groups()
    if unit == "month":
        return f"{year}-{month}-01{before_christ or ''}"
    if before_christ:
        return BEFORE_ALL
    return f"{year}-01-01" if len(year) == 4 else AFTER_ALL


def day_number(day: str) -> float:
    """Days since 1970-01-01 of a date as PostgreSQL writes it; infinite for infinity and what lies beyond our calendar.

    BC dates are before everything, years over 9999 after everything: Python's dates cannot hold them, comparing can.
    """
    if day.startswith("-") or day.endswith("BC"):
        return float("-inf")
    if day == "infinity" or day.index("-") > 4:
        return float("inf")
    return (date.fromisoformat(day) - DAY_ONE).days


def day_of(moment: datetime) -> str:
    """The UTC day of an aware instant, as the tally writes it."""
    return moment.astimezone(UTC).date().isoformat()


def begins(moment: datetime, unit: Unit = "day") -> bool:
    """Does a period begin at the instant?"""
    return next_begin(moment, unit) == moment


def next_begin(moment: datetime, unit: Unit = "day") -> datetime:
    """The first beginning of a period that is not before the instant."""
    at = moment.astimezone(UTC)
    start = datetime.combine(date.fromisoformat(period(day_of(moment), unit)), datetime.min.time(), UTC)
    if start == at:
        return start
    if unit == "day":
        return start + timedelta(days=1)
    late = start + timedelta(days=32 if unit == "month" else 366)
    return late.replace(day=1) if unit == "month" else late.replace(month=1, day=1)
