"""Mutants that no test can notice, as equivalent.toml lists them: each with what it looks like, and the reason."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from mutants import Mutant

LIST = Path(__file__).with_name("equivalent.toml")


class Known:
    """The entries for one file; which of them met a mutant is remembered."""

    def __init__(self, name: str) -> None:
        entries = tomllib.loads(LIST.read_text("utf-8")).get("equivalent", [])
        self.entries = [one for one in entries if fnmatchcase(name, one["file"])]
        self.met: list[dict[str, str]] = []

    def has(self, mutant: Mutant) -> bool:
        """Is it listed? By its lines before and after, or by a pattern of the line after."""
        found = [one for one in self.entries if not mutant.is_wording and _is_like(one, mutant)]
        self.met += found
        return bool(found)

    def unused(self) -> list[str]:
        """Entries for this very file that no mutant is like any more."""
        return [one.get("after", "") for one in self.entries if one not in self.met and "*" not in one["file"]]


def _is_like(entry: dict[str, str], mutant: Mutant) -> bool:
    if entry.get("within", mutant.function) != mutant.function:
        return False
    if "pattern" in entry:
        of_it = re.fullmatch(entry.get("from", ".*"), mutant.before)
        return of_it is not None and re.fullmatch(entry["pattern"], mutant.after) is not None
    return (entry["before"], entry["after"]) == (mutant.before, mutant.after)
