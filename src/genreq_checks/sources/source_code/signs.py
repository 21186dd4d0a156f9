"""What an application searches for in source code in addition to the dropped columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from genreq_checks.facts import CodePlace
from genreq_checks.plan import Plan
from genreq_checks.plan.applications import modules_named
from genreq_checks.sources.source_code.syntax import Code
from genreq_checks.sources.source_code.vocabulary import Vocabulary


class SignReader(Protocol):
    """It reads one file after the other, and collects the places of its signs."""

    def wants(self, suffix: str, data: bytes) -> bool:
        """Is a file worth parsing? This runs for every file, so it must be cheap."""

    def read(self, code: Code) -> None:
        """Add the places of a file."""

    def places(self) -> tuple[CodePlace, ...]:
        """All places, in the order of the files."""


class Signs(Protocol):
    """A module `code_signs` of an application."""

    MESSAGE_TYPE: str

    def reader(self, plan: Plan, words_of: Vocabulary) -> SignReader:
        """A new reader for one tree."""


def signs_of(plan: Plan) -> Sequence[Signs]:
    """The signs of the applications whose messages the plan uses."""
    if not plan.takes_messages:
        return ()
    return [cast("Signs", one) for one in modules_named("code_signs")]
