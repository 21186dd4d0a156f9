"""The table's columns before and after, what depends on the dropped ones, and what a rollback restores: as tables."""

from __future__ import annotations

from genreq_checks.dashboard.review import Cells
from genreq_checks.plan import Plan
from genreq_checks.snapshot import Column, Snapshot

FATES = {
    "blocks": "blocks the drop",
    "vanishes": "is dropped with it",
    "breaks": "survives broken",
    "fine": "is not changed",
}


def schema_rows(plan: Plan, before: Snapshot | None, now: Snapshot) -> list[Cells] | None:
    """Every column of either side in its order, with its change and what the plan says; None without a catalog."""
    if now.table is None:
        return None
    then = {column.name: column for column in before.table.columns} if before and before.table else {}
    there = {column.name: column for column in now.table.columns}
    return [
        {
            "column": name,
            "before": _described(then.get(name)) if then else "not read",
            "after": _described(there.get(name)),
            "the plan": _promise(plan, name),
            "seen": _seen(plan, name, then, there),
        }
        for name in dict.fromkeys((*then, *there, *plan.dropped))
    ]


def _described(column: Column | None) -> str:
    if column is None:
        return "–"
    default = f", default {column.default}" if column.default else ""
    return f"{column.type}{'' if column.nullable else ' not null'}{default}"


def _promise(plan: Plan, name: str) -> str:
    return "drop" if name in plan.dropped else "keep, checked" if name in plan.kept else ""


def _seen(plan: Plan, name: str, then: dict[str, Column], there: dict[str, Column]) -> str:
    if name in plan.dropped:
        return "still there" if name in there else "gone, as planned"
    if name not in there:
        return "gone, not planned"
    if not then:
        return "there"
    if name not in then:
        return "added"
    one, two = then[name], there[name]
    same = (one.type, one.nullable, one.default) == (two.type, two.nullable, two.default)
    return "the same" if same else "changed"


def dependent_rows(snapshot: Snapshot | None) -> list[Cells] | None:
    """What depends on the dropped columns, and its fate on the drop; None when that was not read."""
    if snapshot is None or snapshot.dependents is None:
        return None
    return [
        {
            "column": d.column,
            "kind": d.kind,
            "name": d.name,
            "on the drop it": FATES[d.fate],
            "known for": d.confidence,
            "detail": d.detail,
        }
        for d in snapshot.dependents
    ]


def rollback_rows(plan: Plan, before: Snapshot | None, now: Snapshot) -> list[Cells]:
    """What the rollback SQL restores of each dropped column, and what it had before; only an archive restores values."""
    known = before.table if before else now.table
    found: list[Cells] = []
    for name, gone in plan.dropped.items():
        was = known.column(name) if known else None
        lost = [
            *(["NOT NULL"] if was and not was.nullable else []),
            *(["its default"] if was and was.default else []),
            *(["its place among the columns"] if was and known and was.position < len(known.columns) else []),
        ]
        found.append(
            {
                "column": name,
                "was": _described(was) if was else "not read",
                "comes back as": f"{gone.type or 'its type'}, last, empty",
                "what does not come back": ", ".join([*lost, "its values"]),
                "its values": "can be rebuilt from " + gone.reconstruction.column
                if gone.reconstruction
                else gone.given_up or "only from an archive",
            }
        )
    return found
