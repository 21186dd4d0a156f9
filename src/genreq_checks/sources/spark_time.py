"""The time of a row in Spark, as a time without a time zone in UTC, and a day of it as PostgreSQL writes it.

What Spark's timestamps cannot hold has a time of its own: 'infinity' is in the year 290000. Nothing depends on the
session's time zone or on whether it has ANSI's rules.
"""

from __future__ import annotations

import re

from genreq_checks.plan import Cohort
from genreq_checks.scan.fusion import PER_SECOND, YEARS
from genreq_checks.sources.spark_sql import text_literal

NOT_A_TIME = "genreq: not a time"  # the error that a value raises which is none
ZERO = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"
FAR = 288_030  # years after 1970 that stand for infinity
_DAYS = FAR * 365
_TIME = r"^[0-9]{4,6}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?)?"
_PLAIN = text_literal(_TIME + r"\z")
_ZONED = text_literal(_TIME + r" ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)\z")


def time_sql(cohort: Cohort, name: str, type_name: str) -> str | None:
    """The expression of the time in a column (its quoted name) of one of Spark's types; None for a type that is no time.

    A value that is none is an error: no row is skipped.
    """
    if cohort.epoch is not None:
        if type_name not in ("tinyint", "smallint", "int", "bigint", "string"):
            return None
        value = _or_error(f"try_cast({name} AS BIGINT)", name)
        first, last = (second * PER_SECOND[cohort.epoch] for second in YEARS)
        micros = 1_000_000 // PER_SECOND[cohort.epoch]
        return f"CASE WHEN {value} >= {first} AND {value} < {last} THEN {_after(f'{value} * {micros}')} END"
    if type_name == "timestamp_ntz":
        return name
    if type_name == "timestamp":
        return _after(f"unix_micros({name})")
    if type_name == "date":
        return f"CAST({name} AS TIMESTAMP_NTZ)"
    if type_name.partition(" ")[0] != "string":
        return None
    text = f"{name} COLLATE UTF8_BINARY"
    plain, zoned = (_or_error(f"try_cast({name} AS {kind})", name) for kind in ("TIMESTAMP_NTZ", "TIMESTAMP"))
    return (
        f"CASE WHEN {name} IS NULL THEN NULL WHEN {text} = 'infinity' THEN {_day(_DAYS)} "
        f"WHEN {text} = '-infinity' THEN {_day(-_DAYS)} "
        f"WHEN regexp_like({name}, {_PLAIN}) THEN {plain} "
        f"WHEN regexp_like({name}, {_ZONED}) THEN {_after(f'unix_micros({zoned})')} "
        f"ELSE raise_error('{NOT_A_TIME}') END"
    )


def day_text(day: str | None) -> str | None:
    """A day as PostgreSQL writes it: infinity, years of five digits without a sign, and BC."""
    if day is None:
        return None
    found = re.fullmatch(r"([+-]?)([0-9]+)(-[0-9]{2}-[0-9]{2})", day)
    assert found is not None
    sign, year, rest = found.groups()
    if int(year) >= FAR - 10_000:
        return "-infinity" if sign == "-" else "infinity"
    if sign == "-" or int(year) == 0:
        return f"{int(year) + 1:04}{rest} BC"
    return f"{int(year):04}{rest}"


def _or_error(converted: str, name: str) -> str:
    return f"coalesce({converted}, CASE WHEN {name} IS NOT NULL THEN raise_error('{NOT_A_TIME}') END)"


def _after(micros: str) -> str:
    return f"timestampadd(MICROSECOND, {micros}, {ZERO})"


def _day(days: int) -> str:
    return f"CAST(date_from_unix_date({days}) AS TIMESTAMP_NTZ)"
