"""How much server CPU a check costs, beside the barest query that counts NULLs per day and status.

    python benchmarks/scan_cost.py [ROWS]        (default 5,000,000; about 4 GB of disk, gone at the end)

Builds the table in an embedded PostgreSQL, then runs the two in turn. The CPU is that of the server's processes, as
the kernel accounts it to the postmaster when they end; the client's peak memory is that of this process' children.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan

ROUNDS = 5
BAREST = """
    SELECT completed_at::date, status, count(*), count(github_url), count(artifacts_github_url), count(deployment_url)
    FROM generation_requests GROUP BY 1, 2
"""
FILL = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, created_at, updated_at, completed_at,
        github_url, artifacts_github_url, deployment_url, error_message, last_session_id, current_iteration)
    SELECT '00000000-0000-4000-8000-000000000001', 'app-' || i, repeat('Build me an app. ', 14), repeat('Build me an app. ', 14),
        (CASE i % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' WHEN 2 THEN 'paused' ELSE 'completed' END)::generation_status,
        t, t + interval '9 min', CASE WHEN i % 20 > 2 AND i % 97 > 0 THEN t + interval '9 min' END,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 THEN 'https://github.com/leo-apps/generated-app-' || i END,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 AND i > {half}
            THEN 'https://github.com/leo-apps/generated-app-' || i || '-artifacts' END,
        CASE WHEN i % 20 > 2 AND i % 3 = 0 AND i > {half} THEN 'https://generated-app-' || i || '.fly.dev' END,
        NULL, 'session-' || i, i % 9
    FROM (SELECT i, timestamp '2024-01-01' + i * interval '6 seconds' AS t FROM generate_series(1, {rows}) i) made
"""


def children_cpu(pid: int) -> float:
    """CPU seconds of the process' children that have ended and been waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def server_cpu(pid: int, work) -> tuple[float, float]:
    """CPU and wall seconds that the server spends on a piece of work whose connections it closes itself."""
    before, begun = children_cpu(pid), time.monotonic()
    work()
    wall = time.monotonic() - begun
    time.sleep(0.3)  # the postmaster reaps the ended backend
    return children_cpu(pid) - before, wall


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    settings = {"autovacuum": "off", "shared_buffers": "1GB", "max_wal_size": "4GB"}
    with start(settings) as server:
        url = server.create_database("bench")
        sample.create_table(url)
        begun = time.monotonic()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP INDEX idx_generation_requests_user_id; DROP INDEX idx_generation_requests_app_id")
            connection.execute(FILL.format(rows=rows, half=rows // 2))
            connection.execute(load_plan().sql.forward)
            connection.execute("VACUUM ANALYZE generation_requests")
            size = connection.execute("SELECT pg_size_pretty(pg_table_size('generation_requests'))").fetchone()[0]
        print(f"{rows:,} rows, {size}, built in {time.monotonic() - begun:.0f} s", flush=True)

        cutover = f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=3 * rows):%Y-%m-%dT%H:%M:%SZ}"

        def barest() -> None:
            with psycopg.connect(url) as connection:
                connection.execute(BAREST).fetchall()

        def check() -> None:
            command = [sys.executable, "-m", "genreq_checks", "check", url, "--cutover", cutover, "-f", "json"]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            assert done.returncode in (0, 1), done.stdout[-2000:]

        measured: dict[str, list[tuple[float, float]]] = {"barest": [], "check": []}
        for round_ in range(ROUNDS + 1):
            for name, work in (("barest", barest), ("check", check)):
                figure = server_cpu(server.pid, work)
                if round_:  # the first round warms the caches
                    measured[name].append(figure)
        for name, figures in measured.items():
            cpu, wall = (statistics.median(values) for values in zip(*figures, strict=True))
            print(f"{name:>7}: server CPU {cpu:.2f} s, wall {wall:.2f} s (medians of {ROUNDS})")
        ratios = [c[0] / b[0] for b, c in zip(measured["barest"], measured["check"], strict=True)]
        middle = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(f"server CPU, check ÷ barest, pair by pair: median {middle}")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"client's peak memory: {peak:.0f} MB")


if __name__ == "__main__":
    main()
