"""Types as plans write them, compared with PostgreSQL's own parser and format_type."""

from __future__ import annotations

import psycopg
import pytest

from conftest import Server
from genreq_checks.plan.type_names import ALIASES, KNOWN, same_type

MODIFIED = (
    "varchar(20)", "character varying ( 20 )", "char(3)", "CHARACTER", "bit", "bit(8)", "varbit(5)", "numeric(10,2)",
    "decimal(10, 2)", "numeric(10)", "timestamp(3)", "timestamp (3) with time zone", "timestamptz(3)", "time(0)",
    "timetz(2)", "INT4", "integer[]", "text[3]", "varchar(5)[]", "timestamp with time zone", "Double  Precision",
    "pg_catalog.int4", "time with time zone", "text [] []",
)  # fmt: skip
SERIALS = [name for name in ALIASES if "serial" in name]


@pytest.fixture(scope="module")
def spelled(server: Server) -> dict[str, str]:
    """What the server makes of each spelling; a serial is the integer that it makes."""
    wanted = sorted({*ALIASES, *KNOWN, *MODIFIED} - {*SERIALS})
    with psycopg.connect(server.url()) as connection:
        connection.execute(
            "CREATE TEMP TABLE t (" + ", ".join(f"c{n} {kind}" for n, kind in enumerate([*wanted, *SERIALS])) + ")"  # type: ignore[arg-type]
        )
        rows = connection.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
            " ORDER BY attnum"
        ).fetchall()
    return dict(zip([*wanted, *SERIALS], (row[0] for row in rows), strict=True))


def test_each_spelling_is_exactly_the_type_that_the_server_reads(spelled: dict[str, str]) -> None:
    for written in spelled:
        for other, catalog in spelled.items():
            assert same_type(written, catalog) == (spelled[written] == catalog), (written, other, catalog)


@pytest.mark.parametrize(
    ("written", "catalog", "answer"),
    [
        ("citext", "citext", True),
        ("public.citext", "citext", None),
        ("generation_status", "text", None),
        ('"My Type"', '"My Type"', True),
        ("interval day to second(3)", "interval day to second(3)", True),
        ("interval year", "interval", None),
        ("float(3)", "real", None),
        ("text", "generation_status", False),
        ("text", "citext", False),
        ("", "text", None),
        ("varchar()", "text", None),
    ],
)
def test_a_spelling_that_is_not_known_is_the_same_or_not_compared(
    written: str, catalog: str, answer: bool | None
) -> None:
    assert same_type(written, catalog) is answer
