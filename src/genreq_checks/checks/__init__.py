"""The checks, in the order of the report. A new one is a file here and a line in ALL."""

from __future__ import annotations

from genreq_checks.checks import (
    claims,
    dependents,
    derivation,
    dropped,
    forward,
    generation,
    identity,
    kept,
    leftovers,
    loss,
    migrations,
    phases,
    population,
    reconciliation,
    rollback,
    url_shape,
)
from genreq_checks.checks.check import Check

ALL: tuple[Check, ...] = (
    identity.CHECK,
    claims.CHECK,
    loss.CHECK,
    dependents.CHECK,
    dropped.CHECK,
    kept.CHECK,
    population.CHECK,
    derivation.CHECK,
    url_shape.CHECK,
    reconciliation.CHECK,
    migrations.CHECK,
    generation.CHECK,
    leftovers.CHECK,
    phases.CHECK,
    forward.CHECK,
    rollback.CHECK,
)
