"""What a clone has in place of something that its server cannot have: said, so that nobody takes it for the real thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StandInKind = Literal["extension", "collation", "foreign table", "table left out", "not made"]


@dataclass(frozen=True, slots=True)
class StandIn:
    """One of them: its kind, its name in the source, and why.

    `stubs` are the names of what was made for it (functions, types, relations), as SQL writes them: what names one of
    these depends on a stand-in.
    """

    kind: StandInKind
    name: str
    reason: str
    stubs: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for a report."""
        return f"{self.kind} {self.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Stub:
    """A statement that makes one thing, and the name of that."""

    name: str
    sql: str
