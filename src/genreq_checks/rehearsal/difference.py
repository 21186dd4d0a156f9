"""What a migration did to a database, compared with the plan: pure, from two structures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from genreq_checks.plan import Plan
from genreq_checks.rehearsal.structure import ColumnShape, Object, Structure
from genreq_checks.sources.function_bodies import whole_word

WITH_COLUMN = ("index", "constraint", "statistics", "sequence")  # what PostgreSQL drops silently with a column


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `intended` by the plan, a `consequence` of an intended one, or `wrong`."""

    verdict: Literal["intended", "consequence", "wrong"]
    text: str


def forward_differences(plan: Plan, before: Structure, after: Structure) -> list[Difference]:
    """What the forward SQL did: the plan drops the columns from the table and its children, and changes nothing else."""
    found = [
        Difference("wrong", f"{table} was dropped and created again, which the plan does not say")
        for table in before.family
        if _is_another(before, after, table)
    ]
    for column in plan.dropped:
        for table in sorted(before.family):
            if (table, column) in before.columns:
                found.append(_dropped(before, after, before.columns[table, column]))
    found += _columns(plan, before, after)
    for thing, other in _pairs(before, after):
        if other is None:
            found.append(_gone(plan, before, thing))
        elif thing.definition != other.definition:
            found.append(_redefined(plan, thing))
    return found + _new(before, after) + row_differences(before, after)


def rollback_differences(plan: Plan, original: Structure, back: Structure) -> list[Difference]:
    """What differs from the state before the forward SQL; a column's new place at the end is not a difference."""
    found: list[Difference] = []
    for (table, name), was in original.columns.items():
        now = back.columns.get((table, name))
        ours = table in original.family and name in plan.dropped
        if now is None:
            found.append(Difference("wrong", f"{table}.{name} is not back" if ours else f"{table}.{name} is gone"))
        elif now.type != was.type:
            found.append(Difference("wrong", f"{table}.{name} was {was.type} and is back as {now.type}"))
        else:
            less = _lost(was, now)
            if less:
                text = f"{table}.{name} is back without its {' and '.join(less)}"
                found.append(Difference("consequence" if ours else "wrong", text))
            elif ours:
                found.append(Difference("intended", f"{table}.{name} is back as {now.type}"))
    for key, extra in back.columns.items():
        if key not in original.columns:
            found.append(Difference("wrong", f"{extra.table}.{extra.name} is new"))
    for thing, other in _pairs(original, back):
        if other is None:
            ours = thing.table in original.family and bool(set(thing.columns) & set(plan.dropped))
            found.append(Difference("consequence" if ours else "wrong", f"{_named(thing)} is not back"))
        elif thing.definition != other.definition:
            found.append(Difference(_redefined(plan, thing).verdict, f"{_named(thing)} is not as it was before"))
    return found + _new(original, back)


def row_differences(before: Structure, after: Structure) -> list[Difference]:
    """Other tables whose rows changed."""
    found: list[Difference] = []
    for table, (rows, digest) in before.rows.items():
        now = after.rows.get(table)
        if now is not None and now != (rows, digest):
            how = f"{rows:,} rows became {now[0]:,}" if now[0] != rows else "values changed"
            found.append(Difference("wrong", f"another table was changed: {table} ({how})"))
    return found


def _dropped(before: Structure, after: Structure, column: ColumnShape) -> Difference:
    table, name = column.table, column.name
    still = after.columns.get((table, name))
    if still is not None:
        again = still.position != column.position and not _is_another(before, after, table)
        return Difference("wrong", f"{table}.{name} {'was dropped and added again' if again else 'is still there'}")
    renamed = _renamed(before, after, column)
    if renamed is not None:
        return Difference("wrong", f"{table}.{name} was not dropped but renamed to {renamed.name}")
    if (("table", table) not in after.objects) and (("foreign table", table) not in after.objects):
        return Difference("wrong", f"{table} is gone with all its columns")
    return Difference("intended", f"{table}.{name} dropped")


def _columns(plan: Plan, before: Structure, after: Structure) -> Iterator[Difference]:
    """All other columns of all tables: gone, renamed, retyped, changed, new."""
    known = {(c.table, c.position) for c in before.columns.values() if not _is_another(before, after, c.table)}
    for key, was in before.columns.items():
        if was.table in before.family and was.name in plan.dropped:
            continue
        now, kept = after.columns.get(key), " (the plan keeps it)" if _is_kept(plan, before, was) else ""
        if now is None:
            renamed = _renamed(before, after, was)
            if renamed is not None:
                yield Difference("wrong", f"{was.table}.{was.name} was renamed to {renamed.name}{kept}")
            elif any(o.name == was.table for o in after.objects.values()):
                yield Difference("wrong", f"dropped too much: {was.table}.{was.name}{kept}")
        elif now.type != was.type:
            yield Difference("wrong", f"{was.table}.{was.name} was {was.type} and is {now.type} now{kept}")
        elif now.position != was.position and not _is_another(before, after, was.table):
            yield Difference("wrong", f"{was.table}.{was.name} was dropped and added again{kept}")
        elif (now.required, now.default, now.privileges, now.comment) != (
            was.required,
            was.default,
            was.privileges,
            was.comment,
        ):
            yield Difference("wrong", f"{was.table}.{was.name} has another {' and '.join(_lost(was, now))}{kept}")
    for key, now in after.columns.items():
        if key not in before.columns and (now.table, now.position) not in known:
            yield Difference("wrong", f"{now.table}.{now.name} is new, which the plan does not say")


def _is_kept(plan: Plan, structure: Structure, column: ColumnShape) -> bool:
    return column.table in structure.family and column.name in plan.kept


def _is_another(before: Structure, after: Structure, table: str) -> bool:
    """Was a table of the family dropped, and another created with its name? Then columns are compared by name only."""
    return table in before.family and table in after.family and before.family[table] != after.family[table]


def _renamed(before: Structure, after: Structure, column: ColumnShape) -> ColumnShape | None:
    """The column at the same position: the same column under another name."""
    if _is_another(before, after, column.table):
        return None
    found = (c for c in after.columns.values() if (c.table, c.position) == (column.table, column.position))
    return next(found, None)


def _lost(was: ColumnShape, now: ColumnShape) -> list[str]:
    pairs = {
        "NOT NULL": was.required != now.required,
        "default": was.default != now.default,
        "collation or privileges": was.privileges != now.privileges,
        "comment": was.comment != now.comment,
    }
    return [word for word, changed in pairs.items() if changed]


def _pairs(before: Structure, after: Structure) -> Iterator[tuple[Object, Object | None]]:
    for key, thing in before.objects.items():
        yield thing, after.objects.get(key)


def _gone(plan: Plan, before: Structure, thing: Object) -> Difference:
    """An index or constraint on a dropped column is dropped with it; a view only with CASCADE."""
    on = sorted(set(thing.columns) & set(plan.dropped))
    if thing.kind in WITH_COLUMN and thing.table in before.family and on:
        return Difference("consequence", f"{_named(thing)} was dropped with {', '.join(on)}")
    return Difference("wrong", f"dropped too much: {_named(thing)}")


def _redefined(plan: Plan, thing: Object) -> Difference:
    """An object that names a dropped column may be defined again without it; no other object may change."""
    if "view" in thing.kind or any(whole_word(name).search(thing.definition) for name in plan.dropped):
        return Difference("consequence", f"{_named(thing)} was defined again")
    return Difference("wrong", f"{_named(thing)} was changed, which the plan does not say")


def _new(before: Structure, after: Structure) -> list[Difference]:
    return [
        Difference("wrong", f"{_named(thing)} is new, which the plan does not say")
        for key, thing in after.objects.items()
        if key not in before.objects
    ]


def _named(thing: Object) -> str:
    return f"{thing.kind} {thing.name}"
