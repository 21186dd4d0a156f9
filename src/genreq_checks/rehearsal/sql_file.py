"""The statements of a migration file, in the pieces in which a migration tool would send them.

Nothing here judges the text: it is only split, and its effect on the scratch database decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genreq_checks.errors import UsageError
from genreq_checks.postgres.sql_lexer import statements

BREAKPOINT = "--> statement-breakpoint"
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class SqlFile:
    """The statements of a file. `breakpoints`: it is Drizzle's, and all of it runs in one transaction, as in Drizzle.

    Otherwise each statement is sent separately and commits by itself, unless the file begins a transaction: as in psql
    with ON_ERROR_STOP.
    """

    name: str
    statements: tuple[str, ...]
    breakpoints: bool


def read_sql(path: str | Path) -> SqlFile:
    """The statements of a file. Raises: UsageError for a file that cannot be read or is not text.

    A byte-order mark stays in the first statement, as with Drizzle; the server rejects it.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"The SQL file {path} could not be read: {error.strerror}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The SQL file {path} is not UTF-8 text.", "Save it as UTF-8.") from None
    if "\0" in text:
        raise UsageError(f"The SQL file {path} holds NUL characters.", "Save it as UTF-8.")
    return parse_sql(text, str(path))


def parse_sql(text: str, name: str) -> SqlFile:
    """The statements in a text; a piece with only white space and comments is not a statement."""
    if BREAKPOINT in text:
        return SqlFile(name, tuple(piece for piece in text.split(BREAKPOINT) if statements(piece)), True)
    return SqlFile(name, statements(text), False)
