"""The back-fill of derived columns: rows from before the change that have the source's value and not the derived one.

The plan derives from the change on only. The file fills NULL and overwrites nothing, in batches that commit by themselves, so
that no lock is held for long; it says how many rows it expects, and refuses when there are more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.scan.facets import derived_from
from genreq_checks.scan.fusion import in_cohort, relation
from genreq_checks.staging.guards import literal

BATCH = 1_000
_TYPE = re.compile(r"[\w ]+(?:\(\d+(?:,\d+)?\))?")
# Rows are found once, by their key; a row that got a value since, or lost its source, is not touched.
_BLOCK = """-- backfill: gives {count:,} rows the value that the plan derives. Run it with psql: each batch commits by itself.
-- What fires on UPDATE fires for each row. Rows that are locked meanwhile are waited for, {wait} seconds at most.
DO $genreq$
DECLARE
    asked constant jsonb := '{asked}';
    spot constant text := format('%I.%I', asked->>'schema', asked->>'table');
    derived constant text := format(
        'CASE WHEN right(%1$I::text, 1) = ''/'' THEN left(%1$I::text, -1) ELSE %1$I::text END || %2$L',
        asked->>'source', asked->>'suffix');
    missing constant text := format('%1$I IS NULL AND %2$I::text <> '''' AND (%3$L IS NULL OR %4$I::text = ANY (%3$L))',
        asked->>'column', asked->>'source', (SELECT array_agg(v) FROM jsonb_array_elements_text(asked->'values') v),
        coalesce(asked->>'status', asked->>'source'));
    keys {key_type}[];
    found bigint;
    filled bigint := 0;
    now bigint;
BEGIN
    PERFORM set_config('lock_timeout', '{wait}s', false);
    EXECUTE format('SELECT count(*) FROM %s WHERE %s', spot, missing) INTO found;
    IF found > CAST(asked->>'count' AS bigint) THEN
        RAISE LOG 'genreq-checks refused to backfill: % rows', found;
        RAISE EXCEPTION 'genreq-checks refused to backfill: % rows have no %, when this file was written it was %.',
            found, quote_ident(asked->>'column'), asked->>'count';
    END IF;
    FOR keys IN EXECUTE format(
        'SELECT array_agg(k) FROM (SELECT %1$I AS k, (row_number() OVER (ORDER BY %1$I) - 1) / {batch} AS n FROM %2$s '
        'WHERE %3$s) b GROUP BY n ORDER BY n', asked->>'key', spot, missing) LOOP
        EXECUTE format('UPDATE %1$s SET %2$I = %3$s WHERE %4$I = ANY ($1) AND %5$s',
            spot, asked->>'column', derived, asked->>'key', missing) USING keys;
        GET DIAGNOSTICS now = ROW_COUNT;
        filled := filled + now;
        COMMIT;
    END LOOP;
    RAISE NOTICE 'genreq-checks: %: % of % rows got a value of %.', spot, filled, asked->>'count', quote_ident(asked->>'column');
END
$genreq$;
"""
WAIT = 5  # seconds for a locked row


@dataclass(frozen=True, slots=True)
class Backfill:
    """The file of one derived column, and how many rows it fills."""

    column: str
    count: int
    text: str


def backfills(connection: sa.Connection, plan: Plan, types: dict[str, str]) -> list[Backfill]:
    """The files of all derived columns of which rows lack the value. Raises: UsageError for a key that it cannot go by."""
    found: list[Backfill] = []
    for column, (source, suffix) in plan.derivations().items():
        missing = sa.and_(sa.column(column).is_(None), derived_from(source, suffix).is_not(None), in_cohort(plan))
        count = connection.execute(
            sa.select(sa.func.count()).select_from(relation(plan.table)).where(missing)
        ).scalar_one()
        if count:
            found.append(Backfill(column, count, _file(plan, column, source, suffix, count, _key(plan, types))))
    return found


def _key(plan: Plan, types: dict[str, str]) -> tuple[str, str]:
    """The one column of the key, and its type."""
    if len(plan.table.key) != 1:
        raise UsageError("A back-fill goes by a key of one column.", "Name one in the plan (table.key).")
    (key,) = plan.table.key
    kind = types.get(key, "")
    if not _TYPE.fullmatch(kind):
        raise UsageError("The type of the key's column is no built-in type.", "A back-fill of it cannot be written.")
    return key, kind


def _file(plan: Plan, column: str, source: str, suffix: str, count: int, key: tuple[str, str]) -> str:
    asked = {
        "schema": plan.table.schema_name,
        "table": plan.table.name,
        "key": key[0],
        "column": column,
        "source": source,
        "suffix": suffix,
        "status": plan.cohort.column,
        "values": [str(value) for value in plan.cohort.values],
        "count": count,
    }
    return _BLOCK.format(count=count, wait=WAIT, asked=literal(asked), key_type=key[1], batch=BATCH)
