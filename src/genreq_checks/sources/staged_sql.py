"""The guarded blocks of `genreq-checks stage` in a migration's SQL: what each hides, brings back or drops."""

from __future__ import annotations

import json
import re
from typing import Any

from genreq_checks.facts.migrations import Effect, Staged
from genreq_checks.plan import Plan

_BLOCK = re.compile(
    r"DO \$genreq\$\s.*?asked constant jsonb := '(?P<asked>[^']*)';"
    r".*?genreq-checks refused to (?P<action>retire|undo|finalise): .*?\$genreq\$;?",
    re.DOTALL,
)
_EFFECTS: dict[Staged, tuple[Effect, Effect]] = {  # of the column's own name, and of its name while it is hidden
    "retire": ("gone", "there"),
    "undo": ("there", "gone"),
    "finalise": ("gone", "gone"),
}


def read_staged(sql: str, plan: Plan) -> tuple[Staged | None, dict[str, Effect], str]:
    """The last action in some SQL on the plan's table, its effects on columns by name, and the SQL without the blocks."""
    action: Staged | None = None
    effects: dict[str, Effect] = {}
    for found in _BLOCK.finditer(sql):
        asked = _read(found["asked"])
        if (asked.get("schema"), asked.get("table")) != (plan.table.schema_name, plan.table.name):
            continue
        action, (own, hidden) = next(item for item in _EFFECTS.items() if item[0] == found["action"])
        for column in asked["columns"]:
            effects |= {str(column["column"]): own, str(column["retired"]): hidden}
    return action, effects, _BLOCK.sub("", sql) if effects else sql


def _read(text: str) -> dict[str, Any]:
    """What a block asserts; nothing where somebody has edited it into something else."""
    try:
        asked = json.loads(text)
        return asked if isinstance(asked, dict) and all("retired" in one for one in asked["columns"]) else {}
    except (ValueError, KeyError, TypeError):
        return {}
