"""What a clone has instead of an object that its server cannot have; the report names each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StandInKind = Literal["extension", "collation", "foreign table", "table left out", "not made"]


@dataclass(frozen=True, slots=True)
class StandIn:
    """One stand-in: its kind, its name in the source, and the reason.

    `stubs` are the names of what was created for it (functions, types, relations), as SQL writes them: a statement that
    names one of these depends on a stand-in.
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
    """A statement that creates one object, and the object's name."""

    name: str
    sql: str
