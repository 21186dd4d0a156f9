"""Errors for a user: one base class and a few kinds, each named after the user's problem."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
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
