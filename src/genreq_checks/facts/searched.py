"""What was found in source code of what the plan says must stand there, and must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Search:
    """Where an expression of the plan matches code: `file:line`, the first hundred of them; lines count from 1."""

    expression: str
    places: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Searched:
    """What one piece of the plan's evidence found, by its `phase` and `title`.

    `files` of the tree were searched for it, and `names` are the first of them. `unclear` are files (the first of them)
    that it is about and that could not be searched: `missed` in all, each with the reason.
    """

    phase: str
    title: str
    files: int = 0
    names: tuple[str, ...] = ()
    missed: int = 0
    unclear: Mapping[str, str] = field(default_factory=dict[str, str])
    searches: tuple[Search, ...] = ()

    def places(self, expression: str) -> tuple[tuple[str, int], ...]:
        """Where an expression matches."""
        return next((one.places for one in self.searches if one.expression == expression), ())
