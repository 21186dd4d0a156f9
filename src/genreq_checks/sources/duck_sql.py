"""The facets' SQLAlchemy expressions as DuckDB's SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer

from genreq_checks.scan.facets import LOWER, UPPER


class DuckCompiler(PGCompiler):
    """The facets' expressions in DuckDB's SQL; it compares text by bytes anyway, so COLLATE "C" is left out."""

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        r"""A search, not DuckDB's `~`, which matches whole values; with the flag s, `.` is any character, as in PostgreSQL.

        A search that ignores case searches the text in lower case, since the patterns are in lower case. DuckDB's own flag
        matches `\u017f` with `s`, which PostgreSQL does not in the C collation.
        """
        text = self.process(binary.left, **kw)
        if (binary.modifiers or {}).get("flags"):
            text = f"translate({text}, '{UPPER}', '{LOWER}')"
        return f"regexp_matches({text}, {self.process(binary.right, **kw)}, 's')"

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The negation of a search."""
        return f"NOT {self.visit_regexp_match_op_binary(binary, operator, **kw)}"

    def visit_collate_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The text itself."""
        return str(self.process(binary.left, **kw))

    def visit_btrim_func(self, fn: Any, **kw: Any) -> str:
        """DuckDB's name for btrim."""
        return f"trim{self.function_argspec(fn, **kw)}"


class DuckNames(PGIdentifierPreparer):
    """Every name in quotes: DuckDB reserves other words than PostgreSQL, such as `at`."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class DuckDialect(PGDialect):
    """PostgreSQL's dialect with DuckDB's compiler."""

    statement_compiler = DuckCompiler
    preparer = DuckNames
    _backslash_escapes = False  # a backslash in a literal is itself, as in PostgreSQL


def duck_sql(select: sa.Select[Any]) -> str:
    """A SELECT with its literals in it."""
    dialect = DuckDialect(paramstyle="named")  # type: ignore[no-untyped-call]  # a style without '%', which would be doubled
    return str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
