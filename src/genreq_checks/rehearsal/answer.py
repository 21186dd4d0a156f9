"""The outcome of one step of a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass

from genreq_checks.facts import Outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a step. `goes_on` is False when the later steps cannot run."""

    outcome: Outcome
    message: str
    locks: tuple[str, ...] = ()
    goes_on: bool = True
