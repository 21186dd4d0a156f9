"""Archive, drop, rollback, restore: does every value of every row come back, and in what time and memory?

python benchmarks/round_trip.py [ROWS]        (default 1,000,000)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

import psycopg
from archive_speed import FILL

from genreq_checks.demo import apply
from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan

DIFFERENT = """
    SELECT count(*) FROM original o FULL JOIN generation_requests g USING (id)
    WHERE (o.download_url, o.conversation::text) IS DISTINCT FROM (g.download_url, g.conversation::text)
       OR o.download_url IS NULL AND g.download_url IS NOT NULL
"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    plan = load_plan()
    with start({"max_wal_size": "4GB"}) as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("leo")
        sample.create_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [rows])
            connection.execute(
                "CREATE TABLE original AS SELECT id, download_url, conversation FROM generation_requests"
            )
        file = f"{folder}/dropped.parquet"
        command(rows, "archive", url, "-o", file)
        apply(url, plan.sql.forward)
        apply(url, plan.sql.rollback)
        command(rows, "restore", file, url, "--yes")
        with psycopg.connect(url) as connection:
            found = connection.execute(DIFFERENT).fetchone()
        print(f"{rows:,} rows, of which {found[0]:,} are not as they were")


def command(rows: int, *arguments: str) -> None:
    """Run a command of the tool and tell its time and its own peak of memory."""
    code = (
        "import re, sys; from genreq_checks.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "print('peak', re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], 'kB')"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    took = time.monotonic() - began
    print(f"{arguments[0]}: {took:.1f} s, {rows / took:,.0f} rows a second, {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
