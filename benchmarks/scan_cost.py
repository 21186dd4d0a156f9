"""How much server CPU `check` costs, beside the barest query that reads the same rows, on data of eight shapes.

    uv run benchmarks/scan_cost.py [ROWS]        (default 1,000,000; about 1 GB of disk, gone at the end)
    uv run benchmarks/scan_cost.py --write       (also writes the table in docs/performance.md)

For each shape the table is built in an embedded PostgreSQL, then the two run in turn, with the planner settings of `check`
on both sides. The CPU is that of the server's processes, as the kernel accounts it to the postmaster when they end.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from genreq_checks.embedded import sample, start
from genreq_checks.plan import load_plan
from genreq_checks.postgres.connection import SETTINGS

ROUNDS = 5
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- scan_cost -->\n", "<!-- end of scan_cost -->"
PLANNER = {name: SETTINGS[name] for name in ("enable_sort", "jit", "work_mem")}
COLUMNS = ("github_url", "artifacts_github_url", "deployment_url")
BAREST = f"""
    SELECT completed_at::date, status, count(*), {", ".join(f"count({name})" for name in COLUMNS)}
    FROM generation_requests GROUP BY 1, 2
"""
SAME_BYTES = f"""
    SELECT completed_at::date, status, count(*),
        {", ".join(f"sum(octet_length({name})), count(*) FILTER (WHERE {name} LIKE 'https://%')" for name in COLUMNS)}
    FROM generation_requests GROUP BY 1, 2
"""
FILL = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, created_at, updated_at, completed_at,
        github_url, artifacts_github_url, deployment_url, error_message, last_session_id, current_iteration)
    SELECT '00000000-0000-4000-8000-000000000001', 'app-' || i, repeat('Build me an app. ', 14), repeat('Build me an app. ', 14),
        (CASE i % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' WHEN 2 THEN 'paused' ELSE 'completed' END)::generation_status,
        t, t + interval '9 min', CASE WHEN i % 20 > 2 AND i % 97 > 0 THEN t + interval '9 min' END,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 THEN {github} END,
        CASE WHEN i % 20 > 2 AND i % 31 > 0 AND i > {half} THEN rtrim({github}, '/') || '-artifacts' END,
        CASE WHEN i % 20 > 2 AND i % 3 = 0 AND i > {half} THEN {deployed} END,
        NULL, 'session-' || i, i % 9
    FROM (SELECT i, timestamp '2024-01-01' + i * interval '{apart} seconds' AS t FROM generate_series(1, {rows}) i) made
"""
GITHUB, DEPLOYED = "'https://github.com/leo-apps/generated-app-' || i", "'https://generated-app-' || i || '.fly.dev'"
MALFORMED = "ARRAY['undefined', 'http://example.com/x', 'https://github.com/x']"
TENTH = "i / 20 % 10"  # by twenties, so that it has nothing to do with the status, which follows from i % 20
# name: what github_url and deployment_url hold, and the query beside `check`
SHAPES = {
    "plain": (GITHUB, DEPLOYED, BAREST),
    "`_` in repository names": ("'https://github.com/leo_apps/generated_app_' || i", DEPLOYED, BAREST),
    "slash at the end": (f"{GITHUB} || '/'", f"{DEPLOYED} || '/'", BAREST),
    "mixed case": (
        "'https://GitHub.com/Leo-Apps/Generated-App-' || i", "'https://Generated-App-' || i || '.Fly.dev'", BAREST,
    ),
    "all NULL": ("NULL::text", "NULL::text", BAREST),
    "long paths": (f"{GITHUB} || repeat('/a-long-path', 15)", f"{DEPLOYED} || repeat('/a-long-path', 15)", SAME_BYTES),
    "30 % malformed": (
        f"CASE WHEN {TENTH} < 3 THEN ({MALFORMED})[{TENTH} + 1] ELSE {GITHUB} END",
        f"CASE WHEN {TENTH} < 3 THEN 'https://my_app.fly.dev' ELSE {DEPLOYED} END",
        SAME_BYTES,
    ),
    "5 kB values": (f"{GITHUB} || repeat('/0123456789', 460)", f"{DEPLOYED} || repeat('/0123456789', 460)", SAME_BYTES),
}  # fmt: skip


def children_cpu(pid: int) -> float:
    """CPU seconds of the process' children that have ended and been waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def server_cpu(pid: int, work) -> float:
    """CPU seconds that the server spends on a piece of work whose connections it closes itself."""
    before = children_cpu(pid)
    work()
    time.sleep(0.3)  # the postmaster reaps the ended backend
    return children_cpu(pid) - before


def measure(server, shape: str, rows: int) -> str:
    """A line of the table."""
    github, deployed, beside = SHAPES[shape]
    some = rows // 10 if shape == "5 kB values" else rows
    url = server.create_database("bench")
    sample.create_table(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX idx_generation_requests_user_id; DROP INDEX idx_generation_requests_app_id")
        apart = 6 * 1_000_000 // some
        connection.execute(FILL.format(rows=some, half=some // 2, github=github, deployed=deployed, apart=apart))
        connection.execute(load_plan().sql.forward)
        connection.execute("VACUUM ANALYZE generation_requests")
    cutover = f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=3_000_000):%Y-%m-%dT%H:%M:%SZ}"

    def query() -> None:
        with psycopg.connect(url) as connection:
            for name, value in PLANNER.items():
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            connection.execute(beside).fetchall()

    def check() -> None:
        command = [sys.executable, "-m", "genreq_checks", "check", url, "--cutover", cutover, "-f", "json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        assert done.returncode in (0, 1, 3), done.stdout[-2000:]

    pairs = []
    for round_ in range(ROUNDS + 1):
        pair = server_cpu(server.pid, query), server_cpu(server.pid, check)
        if round_:  # the first round warms the caches
            pairs.append(pair)
    server.drop_database("bench")
    ratios = [checked / bare for bare, checked in pairs]
    ratio = statistics.median(ratios)
    bare, checked = (statistics.median(values) for values in zip(*pairs, strict=True))
    name, limit = ("same bytes", 3.0) if beside == SAME_BYTES else ("barest", 2.6)
    spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
    return f"| {shape} | {some:,} | {name} | {bare:.2f} s | {checked:.2f} s | **{ratio:.2f}** ({spread}) | {limit} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = ["| data | rows | beside | its CPU | CPU of `check` | ratio, median (lowest–highest) | limit |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    print(*lines, sep="\n", flush=True)
    with start({"autovacuum": "off", "shared_buffers": "1GB", "max_wal_size": "4GB"}) as server:
        for shape in SHAPES:
            lines.append(measure(server, shape, given.rows))
            print(lines[-1], flush=True)
    if given.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        table = "\n".join(lines) + "\n"
        PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
