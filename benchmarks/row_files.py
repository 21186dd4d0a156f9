"""Row files by `observe` beside bare DuckDB statements that give the same counts, in turns; and the memory of `check`.

    uv run benchmarks/row_files.py [ROWS] [ROUNDS]        (default 5,000,000 rows, 5 rounds; CSV has a fifth of the rows)
    uv run benchmarks/row_files.py --write                (also writes the table in docs/performance.md)

There are two bare statements, both in one DuckDB connection and over the same files: one written by hand with a regular
expression a class, and the very statement that the tool compiles. The ratio is to the faster one. Both must count what
the tool counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import sqlalchemy as sa

import page
from genreq_checks.checks import checks_of, needs_of
from genreq_checks.plan import Plan, load_plan
from genreq_checks.run import observe
from genreq_checks.scan.fusion import fuse, groups_of, ways_to_count
from genreq_checks.scan.url_shape import CREDENTIALS, WHITE_SPACE, well_formed
from genreq_checks.sources.duck_sql import duck_sql
from genreq_checks.sources.row_files import columns_of
from measures import run

LIMIT = 1.5
CUTOVER = datetime(2024, 2, 5, tzinfo=UTC)
MAKE = """
    SELECT CASE i % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' WHEN 2 THEN 'paused' ELSE 'completed' END AS status,
        CASE WHEN i % 20 > 2 AND i % 97 > 0
            THEN timestamp '2024-01-01' + to_seconds(CAST(i * 6000000 / {rows} AS BIGINT)) END AS completed_at,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 THEN {github} END AS github_url,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 AND i > {half} THEN {github} || '-artifacts' END AS artifacts_github_url,
        CASE WHEN i % 20 > 2 AND i % 3 = 0 AND i > {half} THEN 'https://generated-app-' || i || '.fly.dev' END
            AS deployment_url
    FROM range({rows}) made (i)
"""
GITHUB = "CASE WHEN i % 10 = 3 THEN 'http://example.com/x' ELSE 'https://github.com/leo_apps/generated-app-' || i END"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=5_000_000)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = [
        "| file | rows | by hand | the same statement | `observe` | CPU, beside the faster | memory of `check` |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for kind, rows in (("parquet", given.rows), ("csv", given.rows // 5)):
            file = f"{folder}/rows.{kind}"
            made = MAKE.format(rows=rows, half=rows // 2, github=GITHUB)
            duckdb.sql(f"COPY ({made}) TO '{file}'")
            lines.append(measured(load_plan(), file, kind, rows, given.rounds))
    lines += ["", f"The limit of the ratio is {LIMIT}."]
    print(*lines, sep="\n")
    if given.write:
        page.write("row_files", lines)


def measured(plan: Plan, file: str, kind: str, rows: int, rounds: int) -> str:
    """A line of the table."""
    ours = observe(plan, file, CUTOVER).tally
    hand, own = by_hand(plan), compiled(plan)
    expected = sorted((str(row[0]), row[-1]) for row in ours.rows)
    for statement in (hand, own):
        found = bare(file, statement)
        assert sum(row[3] for row in found) == ours.total == rows
        assert sorted((str(row[0]), row[3]) for row in found) == expected, "a bare statement counts something else"
    times = {"hand": [], "own": [], "observe": []}
    for _ in range(rounds):
        times["hand"].append(cpu(lambda: bare(file, hand)))
        times["own"].append(cpu(lambda: bare(file, own)))
        times["observe"].append(cpu(lambda: observe(plan, file, CUTOVER)))
        print(kind, *(f"{name} {found[-1]:.2f} s" for name, found in times.items()), file=sys.stderr)
    best = {name: min(found) for name, found in times.items()}
    ratio = best["observe"] / min(best["hand"], best["own"])
    peak = run([sys.executable, "-m", "genreq_checks", "check", file, "--cutover", f"{CUTOVER:%Y-%m-%d}"], 600).peak
    told = " | ".join(f"{best[name]:.2f} s" for name in ("hand", "own", "observe"))
    return f"| {kind} | {rows:,} | {told} | **{ratio:.2f}** | {peak:.0f} MB |"


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process and its threads: what else runs on the machine is not in them."""
    began = time.process_time()
    work()
    return time.process_time() - began


def bare(file: str, statement: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"CREATE VIEW genreq_rows AS SELECT * FROM '{file}'")
        return connection.execute(statement).fetchall()


def compiled(plan: Plan) -> str:
    """The statement of the tool."""
    needs = needs_of(plan, [one for one, _ in checks_of(plan, None)])
    columns = columns_of(plan, [*plan.kept, plan.cohort.column, plan.cohort.time])
    parts = next(ways_to_count(groups_of(plan, needs.facets(columns)), needs.together))
    return duck_sql(fuse(plan, parts, CUTOVER, aware=False, origin=sa.table("genreq_rows")).select)


def by_hand(plan: Plan) -> str:
    """What one would write: a class of each column by one regular expression each, and the derivation."""
    space = WHITE_SPACE.replace("'", "''")
    classes = []
    for name, kept in plan.kept.items():
        shape = well_formed(kept.url).replace("'", "''")
        classes.append(
            f"CASE WHEN {name} IS NULL THEN 'null' WHEN trim({name}, '{space}') = '' THEN 'blank' "
            f"WHEN regexp_matches({name}, '{CREDENTIALS}', 'si') THEN 'credentials' "
            f"WHEN regexp_matches({name}, '{shape}', 'si') THEN 'populated' ELSE 'malformed' END"
        )
    for name, (source, suffix) in plan.derivations().items():
        derived = f"CASE WHEN {source} <> '' THEN regexp_replace({source}, '/$', '') || '{suffix}' END"
        classes.append(
            f"CASE WHEN {derived} IS NULL AND {name} IS NULL THEN 'none' WHEN {derived} IS NULL THEN 'unexpected' "
            f"WHEN {name} IS NULL THEN 'missing' WHEN {name} = {derived} THEN 'match' ELSE 'wrong' END"
        )
    time, cutover = plan.cohort.time, f"{CUTOVER:%Y-%m-%d}"
    return (
        f"SELECT CAST(CAST({time} AS DATE) AS VARCHAR), {time} >= TIMESTAMP '{cutover}', {plan.cohort.column}, count(*), "
        f"{', '.join(classes)} FROM genreq_rows GROUP BY ALL"
    )


if __name__ == "__main__":
    main()
