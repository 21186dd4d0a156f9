"""How fast archiving is beside psql's COPY of the same columns: both in one run, in turns, on an embedded PostgreSQL.

    python benchmarks/archive_speed.py [ROWS] [ROUNDS]

Each archive is a process of its own; its time does not count Python's start, but does count reading the file again. The ratio is
psql's best time by the archive's best: 0.50 is half the speed. `peak` is the largest resident memory of an archiving process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

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
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with start() as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("archive")
        sample.create_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL, [rows])
            connection.execute("VACUUM ANALYZE generation_requests")
        copied, archived = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            subprocess.run([server.bin / "psql", "-X", "-d", url, "-c", COPY], stdout=subprocess.DEVNULL, check=True)
            copied.append(time.perf_counter() - began)
            run = [sys.executable, "-c", ARCHIVE, url, str(Path(folder) / "a.parquet")]
            answer = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            assert int(answer[0]) == rows
            archived.append(float(answer[1]))
            load = os.getloadavg()[0]
            print(
                f"psql {copied[-1]:.2f} s, archive {archived[-1]:.2f} s, peak {int(answer[2]) // 1000} MB, load {load:.1f}"
            )
    print(f"{rows:,} rows: ratio {min(copied) / min(archived):.2f} (at least 0.50 is asked for)")


if __name__ == "__main__":
    main()
