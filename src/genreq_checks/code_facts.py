"""What a tree of source code says of the clean-up, as data: mentions of dropped columns, and signs of the phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from genreq_checks.plan import Plan

MentionClass = Literal["live_column", "message_field", "comment", "docs", "history", "build_output", "other_meaning"]
LIVE: Final = "live_column"
CLASSES: tuple[MentionClass, ...] = (
    LIVE, "message_field", "comment", "docs", "history", "build_output", "other_meaning",
)  # fmt: skip
State = Literal["found", "missing", "unclear"]
PhaseName = Literal["protocol", "client", "server", "schema"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A line of a file that names a dropped column: `line` counts from 1, `text` is trimmed and holds no secret.

    `certain` is False where the syntax cannot tell whether it is the column; `reason` says in words what it is taken for.
    """

    column: str
    file: str
    line: int
    cls: MentionClass
    reason: str
    text: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where one feature of a phase was found, found missing, or could not be told; `line` counts from 1."""

    phase: PhaseName
    feature: str
    state: State
    file: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """All that was read of a folder. Counts are of files, and of folders where the reason says so.

    `sources` of the `read` files are in a language that is parsed; `unreadable` are paths that the system refused.
    """

    root: str
    read: int
    sources: int
    passed_over: Mapping[str, int]
    unreadable: tuple[str, ...]
    mentions: tuple[Mention, ...]
    places: tuple[Place, ...]


def camel(name: str) -> str:
    """`download_url` → `downloadUrl`, as TypeScript spells a column."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def spellings(name: str) -> tuple[str, ...]:
    """A column's name as SQL and as TypeScript spell it, once if they agree."""
    return tuple(dict.fromkeys((name, camel(name))))


def code_names(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Dropped column → the names it has in code: the plan's `code_names`, or both spellings of the column."""
    return {column: gone.code_names or spellings(column) for column, gone in plan.dropped.items()}
