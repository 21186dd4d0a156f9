"""The checks, in the order of the report. A new one is a file here and a line in ALL."""

from __future__ import annotations

from genreq_checks.checks import derivation, dropped, forward, generation, kept, population, rollback, url_shape
from genreq_checks.checks.check import Check

ALL: tuple[Check, ...] = (
    dropped.CHECK,
    kept.CHECK,
    population.CHECK,
    derivation.CHECK,
    url_shape.CHECK,
    generation.CHECK,
    forward.CHECK,
    rollback.CHECK,
)
