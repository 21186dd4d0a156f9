r"""The facets' SQLAlchemy expressions as Spark's SQL, with the meaning that they have in PostgreSQL.

Every literal is written so that neither `${variable}` nor `{name}` nor a backslash in it is replaced, and text is compared
byte by byte, whatever the session's collation. Java's `$` also matches before a last line end: it becomes `\z`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer
from sqlalchemy.sql.compiler import GenericTypeCompiler

from genreq_checks.scan.facets import LOWER, UPPER

_PLAIN = re.compile(r"[A-Za-z0-9 !,:/.%_-]")


def text_literal(text: str) -> str:
    """A text in a statement: every character that could have a meaning there by its number."""
    return "'" + "".join(one if _PLAIN.fullmatch(one) else _escaped(one) for one in text) + "'"


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


class SparkCompiler(PGCompiler):
    """What Spark calls otherwise than PostgreSQL."""

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """A literal; times are without a time zone, and in UTC."""
        if isinstance(value, str):
            return text_literal(value)
        if isinstance(value, datetime):
            return f"TIMESTAMP_NTZ '{value:%Y-%m-%d %H:%M:%S.%f}'"
        return str(super().render_literal_value(value, type_))  # type: ignore[no-untyped-call]

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """A search by Java's expressions; one that ignores case is in the text in lower case, as the patterns are."""
        text = self.process(binary.left, **kw)
        if (binary.modifiers or {}).get("flags"):
            text = f"translate({text}, '{UPPER}', '{LOWER}')"
        pattern = re.sub(r"(?<!\\)\$$", r"\\z", binary.right.value)
        return f"regexp_like({text}, {text_literal(pattern)})"

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The negation of a search."""
        return f"NOT {self.visit_regexp_match_op_binary(binary, operator, **kw)}"

    def visit_collate_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The collation of bytes."""
        return f"{self.process(binary.left, **kw)} COLLATE UTF8_BINARY"

    def visit_strpos_func(self, fn: Any, **kw: Any) -> str:
        """Spark's name for strpos."""
        return f"instr{self.function_argspec(fn, **kw)}"

    def visit_left_func(self, fn: Any, **kw: Any) -> str:
        """`left(text, -n)`: all but the last characters, which Spark's left does not know."""
        text, count = (self.process(part, **kw) for part in fn.clauses)
        return f"substring({text}, 1, length({text}) - {count[1:]})" if count[0] == "-" else f"left({text}, {count})"


class SparkTypes(GenericTypeCompiler):
    """Spark's names of types."""

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:
        """Text of any length."""
        return "STRING"

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:
        """A time without a time zone."""
        return "TIMESTAMP_NTZ"


class SparkNames(PGIdentifierPreparer):
    """Every name in Spark's quotes."""

    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect, initial_quote="`", final_quote="`")

    def _requires_quotes(self, value: str) -> bool:
        return True


class SparkDialect(PGDialect):
    """PostgreSQL's dialect with Spark's compiler."""

    statement_compiler = SparkCompiler
    type_compiler_cls = SparkTypes  # type: ignore[assignment]
    preparer = SparkNames  # type: ignore[assignment]


def spark_sql(statement: sa.ClauseElement) -> str:
    """A statement with its literals in it."""
    dialect = SparkDialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
