"""The table of the real shape with data of eight shapes, and the queries that `check` is held against."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from genreq_checks.embedded import sample
from genreq_checks.plan import load_plan
from genreq_checks.postgres.connection import SETTINGS

# The reads in the backend itself: a worker process of the server that reads for it would not be in its CPU. And
# PostgreSQL's default buffers: in larger ones, which hold all of the table, each new backend pays to map every page, on both
# sides alike, and the ratio looks better than it is.
SERVER = {"io_method": "sync", "autovacuum": "off", "max_wal_size": "4GB"}
# Both without parallel workers: where the planner gives them to one side alone, that side pays for passing rows on.
PLANNER = {name: SETTINGS[name] for name in ("enable_sort", "jit", "work_mem")} | {
    "max_parallel_workers_per_gather": "0"
}
CUTOVER = f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=3_000_000):%Y-%m-%dT%H:%M:%SZ}"  # in the middle
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


def make_table(server: Any, name: str, shape: str, rows: int) -> str:
    """A database with the table after the clean-up, in one shape of data, vacuumed and analysed; its URL."""
    github, deployed, _ = SHAPES[shape]
    url = server.create_database(name)
    sample.create_table(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX idx_generation_requests_user_id; DROP INDEX idx_generation_requests_app_id")
        apart = 6 * 1_000_000 / max(rows, 1)
        filled = FILL.format(rows=rows, half=rows // 2, github=github, deployed=deployed, apart=apart)
        connection.execute(filled)
        connection.execute(load_plan().sql.forward)
        connection.execute("VACUUM ANALYZE generation_requests")
    return url


def require_disk(rows: int) -> None:
    """Raises: SystemExit when the disk has too little room for so many rows and the server's log of changes."""
    needed = rows * 800 / 1e9 + 6
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < needed:
        raise SystemExit(f"{rows:,} rows take {needed:.0f} GB of disk; {tempfile.gettempdir()} has {free:.0f} GB free.")
