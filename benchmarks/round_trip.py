"""Archive, drop, rollback, restore: does every value of every row come back, and in what time and memory?

uv run benchmarks/round_trip.py [ROWS]        (default 1,000,000)
uv run benchmarks/round_trip.py --write       (also writes the table in docs/performance.md)
"""

from __future__ import annotations

import argparse
import sys
import tempfile

import psycopg

import page
from archive_speed import FILL
from genreq_checks.demo import apply
from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan
from measures import run

DIFFERENT = """
    SELECT count(*) FROM original o FULL JOIN generation_requests g USING (id)
    WHERE (o.download_url, o.conversation::text) IS DISTINCT FROM (g.download_url, g.conversation::text)
       OR o.download_url IS NULL AND g.download_url IS NOT NULL
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    plan = load_plan()
    with start({"max_wal_size": "4GB"}) as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("leo")
        sample.create_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [given.rows])
            connection.execute(
                "CREATE TABLE original AS SELECT id, download_url, conversation FROM generation_requests"
            )
        file = f"{folder}/dropped.parquet"
        lines = ["| command | time | rows a second | its memory |", "| --- | --- | --- | --- |"]
        lines.append(command(given.rows, "archive", url, "-o", file))
        apply(url, plan.sql.forward)
        apply(url, plan.sql.rollback)
        lines.append(command(given.rows, "restore", file, url, "--yes"))
        with psycopg.connect(url) as connection:
            different = connection.execute(DIFFERENT).fetchone()[0]
    lines += [
        "",
        f"Rows of {given.rows:,}, with {2 * given.rows:,} values, that are not as they were: {different:,}.",
    ]
    print(*lines, sep="\n")
    if given.write:
        page.write("round_trip", lines)
    if different:
        sys.exit(1)


def command(rows: int, *arguments: str) -> str:
    """Run a command of the tool; its line of the table."""
    done = run([sys.executable, "-m", "genreq_checks", *arguments], 1800)
    assert done.code == 0, done.errors[-2000:]
    return f"| `{arguments[0]}` | {done.wall:.1f} s | {rows / done.wall:,.0f} | {done.peak:.0f} MB |"


if __name__ == "__main__":
    main()
