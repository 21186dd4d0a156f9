"""How a migration file is cut into statements: as psql would send them, or as Drizzle does."""

from __future__ import annotations

from pathlib import Path

import pglast
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreq_checks.errors import UsageError
from genreq_checks.rehearsal.sql_file import parse_sql, read_sql, split

STATEMENTS = [
    "SELECT 1",
    "SELECT 'a;b', E'it\\'s;', \"odd;name\" FROM t",
    "DO $$ BEGIN PERFORM 1; PERFORM 2; END $$",
    "DO $x$ BEGIN RAISE NOTICE '$$;'; END $x$",
    "SELECT a$1$ FROM b$1$",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
    "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "BEGIN",
    "END",
    "SELECT CASE WHEN true THEN 1 END",
    "ALTER TABLE t DROP COLUMN a /* one; /* two; */ three; */",
    "ALTER TABLE t -- what;\n DROP COLUMN b",
    "SELECT 'two\nlines;' || 'quote''s;'",
]


@given(st.lists(st.sampled_from(STATEMENTS), max_size=6), st.sampled_from([";", ";\n", " ;; ", ";\n-- x; y\n"]))
def test_statements_are_cut_where_postgres_parser_cuts_them(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    expected = [piece.strip() for piece in pglast.split(text)]
    assert [pglast.split(piece)[0].strip() for piece in split(text)] == expected
    assert len(split(text)) == len(parts)


@pytest.mark.parametrize("text", ["", " \n\t", ";", ";;\n;", "-- nothing\n", "/* DROP TABLE t; */", "-- a;\n/* b; */;"])
def test_a_file_without_a_statement_has_none(text: str) -> None:
    assert split(text) == ()
    assert parse_sql(text, "f").statements == ()


def test_drizzle_breakpoints_cut_and_pieces_of_comments_alone_are_none() -> None:
    pieces = ["ALTER TABLE t DROP COLUMN a;\n", "\n-- only a remark\n", "\nSELECT 1; SELECT 2;"]
    text = "--> statement-breakpoint".join(pieces)
    file = parse_sql(text, "f")
    assert file.breakpoints
    assert [s.strip() for s in file.statements] == ["ALTER TABLE t DROP COLUMN a;", "SELECT 1; SELECT 2;"]
    assert not parse_sql("SELECT 1;", "f").breakpoints


def test_an_open_quote_takes_the_rest() -> None:
    assert split("SELECT 'open; SELECT 2") == ("SELECT 'open; SELECT 2",)
    assert split("DO $$ open; SELECT 2") == ("DO $$ open; SELECT 2",)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "could not be read"), (b"\xff\xfe\x00", "not UTF-8"), (b"SELECT 1;\0", "NUL")]
)
def test_a_file_that_is_no_text_is_a_wrong_call(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "forward.sql"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_sql(path)


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "forward.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n")
    assert read_sql(path).statements == ("SELECT 1;", "SELECT 2;")
