"""A saved generation, read from its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence.source import Asked, Source

if TYPE_CHECKING:
    from genreq_checks.facts import GenerationFacts


def read(asked: Asked, paths: Sequence[Path]) -> GenerationFacts:
    """The generation in the file."""
    from genreq_checks.leo.generation.saved import load_facts

    asked.plan.require_messages("--generation")
    return load_facts(paths[0])


SOURCE = Source(
    "generation", 40, "FILE", "A generation saved by 'genreq-checks generate --save FILE'.", read, by_plan=False
)
