"""How a migration file is read: in the pieces that psql would send, or those of Drizzle."""

from __future__ import annotations

from pathlib import Path

import pytest

from genreq_checks.errors import UsageError
from genreq_checks.rehearsal.sql_file import parse_sql, read_sql


def test_drizzle_breakpoints_split_and_pieces_of_only_comments_are_left_out() -> None:
    pieces = ["ALTER TABLE t DROP COLUMN a;\n", "\n-- only a remark\n", "\nSELECT 1; SELECT 2;"]
    text = "--> statement-breakpoint".join(pieces)
    file = parse_sql(text, "f")
    assert file.breakpoints
    assert [s.strip() for s in file.statements] == ["ALTER TABLE t DROP COLUMN a;", "SELECT 1; SELECT 2;"]
    assert not parse_sql("SELECT 1;", "f").breakpoints


@pytest.mark.parametrize(
    ("content", "words"), [(None, "could not be read"), (b"\xff\xfe\x00", "not UTF-8"), (b"SELECT 1;\0", "NUL")]
)
def test_a_file_that_is_not_text_is_a_wrong_call(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "forward.sql"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_sql(path)


def test_crlf_is_accepted_and_a_byte_order_mark_stays_in_the_first_statement(tmp_path: Path) -> None:
    path = tmp_path / "forward.sql"
    path.write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert read_sql(path).statements == ("SELECT 1;", "SELECT 2;")
    path.write_bytes(b"\xef\xbb\xbf-- a remark\nSELECT 1;\nSELECT 2;\n")
    assert read_sql(path).statements == ("\ufeff-- a remark\nSELECT 1;", "SELECT 2;")
