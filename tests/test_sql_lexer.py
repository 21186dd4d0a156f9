"""SQL is split where PostgreSQL's own scanner and parser split it."""

from __future__ import annotations

import re

import pglast
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pglast.parser import ParseError, scan

from genreq_checks.postgres.sql_lexer import statements, tokens, words
from genreq_checks.rehearsal.sql_file import parse_sql

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
def test_statements_are_split_where_postgres_parser_splits_them(parts: list[str], separator: str) -> None:
    text = separator.join(parts)
    expected = [piece.strip() for piece in pglast.split(text)]
    assert [pglast.split(piece)[0].strip() for piece in statements(text)] == expected
    assert len(statements(text)) == len(parts)


@pytest.mark.parametrize("text", ["", " \n\t", ";", ";;\n;", "-- nothing\n", "/* DROP TABLE t; */", "-- a;\n/* b; */;"])
def test_a_file_without_a_statement_has_none(text: str) -> None:
    assert statements(text) == ()
    assert parse_sql(text, "f").statements == ()


def test_an_open_quote_extends_to_the_end() -> None:
    assert statements("SELECT 'open; SELECT 2") == ("SELECT 'open; SELECT 2",)
    assert statements("DO $$ open; SELECT 2") == ("DO $$ open; SELECT 2",)


FRAGMENTS = [
    *("a", "e", "E", "é", "x1", "$1", "1", "12", ".", ",", "=", "-", "/", "*", ";", "(", ")", " ", "\n", "\r", "\t"),
    *("--", "-- c'\n", "/*", "*/", "/* ; */", "'", "''", "\\", "'a;b'", "E'\\''", "e'", "U&'\\0061'", "B'1'"),
    *('"', '"a;"', '""', "$", "$$", "$t$", "$é$", "a$b$", "$$;'$$"),
]
NAMED = {"SQL_COMMENT": "comment", "C_COMMENT": "comment"} | dict.fromkeys(
    ("SCONST", "USCONST", "BCONST", "XCONST"), "text"
)


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)))
def test_tokens_joined_are_the_source(source: str) -> None:
    assert "".join(token.source for token in tokens(source)) == source


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
@example("E'a'\n'b\\'' -- c")
@example("E'a' -- d\n -- e\n'b\\';'")
@example("'a'\n'b\\' -- c")
@example("a$$b;$$c")
@example("B'1'''")
def test_comments_and_texts_are_where_postgres_scanner_has_them(source: str) -> None:
    try:
        found = scan(source)
    except ParseError:
        assume(False)
    expected = [" "] * len(source)
    for one in found:
        if one.name in NAMED:  # character by character: of two texts side by side it does not matter where one begins
            prefix = re.match("([uU]&|[bBxX])?", source[one.start :])
            begin = one.start + (prefix.end() if prefix else 0)
            expected[begin : one.end + 1] = NAMED[one.name][0] * (one.end + 1 - begin)
    own = [
        letter for t in tokens(source) for letter in (t.kind[0] if t.kind in NAMED.values() else " ") * len(t.source)
    ]
    assert "".join(own) == "".join(expected)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
@example("a;b(;);c")
def test_statements_are_split_at_the_semicolons_of_postgres_scanner(source: str) -> None:
    try:
        found = [source[t.start : t.end + 1] for t in scan(source) if "COMMENT" not in t.name]
    except ParseError:
        assume(False)
    expected: list[list[str]] = [[]]
    depth = 0
    for text in found:
        depth = max(depth + {"(": 1, ")": -1}.get(text, 0), 0)
        expected[-1].append(text)
        if text == ";" and depth == 0:
            expected.append([])
    own = [[part[t.start : t.end + 1] for t in scan(part) if "COMMENT" not in t.name] for part in statements(source)]
    assert own == [part for part in expected if part not in ([], [";"])]


def test_words_are_those_outside_of_quotes() -> None:
    assert list(words("/* no */ DO $$ no $$ LANGUAGE \"no\" 'no' Été$1")) == ["do", "language", "été$1"]
