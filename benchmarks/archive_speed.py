"""How fast archiving is beside psql's COPY of the same columns: both in one run, in turns, on an embedded PostgreSQL.

    uv run benchmarks/archive_speed.py [ROWS] [ROUNDS]        (default 1,000,000 rows, 4 rounds)
    uv run benchmarks/archive_speed.py --write                (also writes the table in docs/performance.md)

Each archive is a process of its own; its time does not count Python's start, but does count reading the file again. The ratio is
psql's best time by the archive's best: 0.50 is half the speed. `peak` is the largest resident memory of an archiving process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

import page
from genreq_checks.embedded import sample, start

FILL = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, download_url, conversation)
    SELECT gen_random_uuid(), 'a', 'p', 'p', 'completed', 'https://storage.example.com/apps/' || md5(i::text) || '/app.zip',
           jsonb_build_array(jsonb_build_object('role', 'user', 'content', md5(i::text) || ' "quoted" text'),
                             jsonb_build_object('role', 'assistant', 'content', repeat(md5((i + 1)::text), 4)))
    FROM generate_series(1, %s) i
"""
COPY = "COPY (SELECT id, download_url, conversation FROM generation_requests) TO STDOUT"
ARCHIVE = """
import resource, sys, time
from genreq_checks.archive import write_archive
from genreq_checks.plan import load_plan
began = time.perf_counter()
facts = write_archive(load_plan(), sys.argv[1], sys.argv[2])
print(facts.rows, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("rounds", nargs="?", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with start() as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("archive")
        sample.create_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [given.rows])
            connection.execute("VACUUM ANALYZE generation_requests")
        copied, archived, peaks = [], [], []
        for _ in range(given.rounds):
            began = time.perf_counter()
            subprocess.run([server.bin / "psql", "-X", "-d", url, "-c", COPY], stdout=subprocess.DEVNULL, check=True)
            copied.append(time.perf_counter() - began)
            run = [sys.executable, "-c", ARCHIVE, url, str(Path(folder) / "a.parquet")]
            answer = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            assert int(answer[0]) == given.rows
            archived.append(float(answer[1]))
            peaks.append(int(answer[2]) // 1000)
            load = os.getloadavg()[0]
            told = f"psql {copied[-1]:.2f} s, archive {archived[-1]:.2f} s, peak {peaks[-1]} MB, load {load:.1f}"
            print(told, file=sys.stderr)
    lines = [
        f"| {given.rows:,} rows, best of {given.rounds}, in turn | |",
        "| --- | --- |",
        f"| psql COPY | {min(copied):.1f} s |",
        f"| `archive` | {min(archived):.1f} s, {max(peaks)} MB at most |",
        f"| speed, archive by psql | **{min(copied) / min(archived):.2f}** (0.5 is the limit) |",
    ]
    print(*lines, sep="\n")
    if given.write:
        page.write("archive_speed", lines)


if __name__ == "__main__":
    main()
