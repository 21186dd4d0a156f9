"""The plan's evidence, searched in the files that it is about: in their code, not in their comments and strings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from time import monotonic

from genreq_checks.facts import EXAMPLES
from genreq_checks.facts.searched import Search, Searched
from genreq_checks.plan import Plan
from genreq_checks.plan.code_evidence import CodeEvidence, finds
from genreq_checks.sources.source_code.bare import NotParsed, bare, bare_sql
from genreq_checks.sources.source_code.syntax import Code

MAX_SEARCHED = 1_000_000  # bytes of a file
PATIENCE = 30.0  # seconds for all searches in a tree; a search that began is not interrupted
SQL = (".sql", ".psql", ".pgsql")


@dataclass(slots=True)
class _Found:
    """What one piece of evidence found so far."""

    files: int = 0
    names: list[str] = field(default_factory=list[str])
    missed: dict[str, str] = field(default_factory=dict[str, str])
    places: dict[str, list[tuple[str, int]]] = field(default_factory=dict[str, list[tuple[str, int]]])


class EvidenceReader:
    """It is shown one file after the other. `shown` makes a path fit for a report."""

    def __init__(self, plan: Plan, shown: Callable[[str], str], patience: float = PATIENCE) -> None:
        self.found = [(one, _Found()) for one in plan.evidence]
        self.shown = shown
        self.left = patience

    def wants(self, path: str) -> bool:
        """Is any evidence about a file, by its path in the tree?"""
        return any(one.is_about(path) for one, _ in self.found)

    def miss(self, path: str, reason: str) -> None:
        """A file that cannot be searched, with the reason."""
        for one, found in self.found:
            if one.is_about(path):
                found.missed[self.shown(path)] = reason

    def read(self, path: str, data: bytes, code: Code | None) -> None:
        """Search a file; `data` is UTF-8."""
        began = monotonic()
        try:
            text = _code_of(path, data, code).replace(b"\r\n", b"\n")
        except NotParsed as error:
            self.miss(path, str(error))
            return
        for one, found in self.found:
            if one.is_about(path):
                self._search(one, found, path, text, began + self.left)
        self.left -= monotonic() - began

    def _search(self, one: CodeEvidence, found: _Found, path: str, text: bytes, until: float) -> None:
        """Search one file for one piece of evidence. What was found before the time was over counts."""
        name = self.shown(path)
        try:
            for expression in dict.fromkeys((*one.must_match, *one.must_not_match)):
                known = found.places.setdefault(expression, [])
                for line in _lines(expression, text, EXAMPLES - len(known), until):
                    known.append((name, line))
        except TimeoutError:
            found.missed[name] = "the time for searches was over"
            return
        found.files += 1
        found.names += [name] if len(found.names) < EXAMPLES else []

    def facts(self) -> tuple[Searched, ...]:
        """What each piece of evidence found, in the plan's order."""
        return tuple(
            Searched(
                phase=one.phase,
                title=one.title,
                files=found.files,
                names=tuple(found.names),
                missed=len(found.missed),
                unclear=dict(list(found.missed.items())[:EXAMPLES]),
                searches=tuple(Search(expression, tuple(places)) for expression, places in found.places.items()),
            )
            for one, found in self.found
        )


def _code_of(path: str, data: bytes, code: Code | None) -> bytes:
    """The text in which a match counts. Raises: NotParsed where it is not known which that is."""
    if len(data) > MAX_SEARCHED:
        raise NotParsed(f"it is larger than {MAX_SEARCHED:,} bytes")
    if code is not None:
        return bare(code)
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in SQL:
        return bare_sql(data.decode("utf-8", "replace"))
    raise NotParsed(f"what is a comment or a string in {suffix or 'such'} files is not known")


def _lines(expression: str, text: bytes, most: int, until: float) -> Iterator[int]:
    """The lines in which matches begin, at most so many: after one the search goes on in the next line.

    Raises: TimeoutError when it is later than `until` before a search.
    """
    start = 0
    for _ in range(most):
        if monotonic() >= until:
            raise TimeoutError
        at = finds(expression, text[start:])
        if at is None:
            return
        yield text.count(b"\n", 0, start + at) + 1
        following = text.find(b"\n", start + at)
        if following < 0 or "\\A" in expression:  # where only the file's beginning counts there is no second one
            return
        start = following + 1
