"""Through a real transaction pooler: no prepared statement, and no session setting left for the next client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import insert

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
PGBOUNCER = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def pooled(database: str) -> Iterator[str]:
    """The database behind a pgbouncer that keeps one connection for all clients and gives it out by transaction."""
    if PGBOUNCER is None or "GENREQ_TEST_DATABASE_URL" not in os.environ:
        pytest.skip("needs pgbouncer, and a server that admits other users than ours: `.ci/run` brings both")
    target, port = conninfo.conninfo_to_dict(database), free_port()
    user: list[str] = []
    if os.geteuid() == 0:  # pgbouncer refuses to run as root
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="genreq-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the other user must read what is in it
        (folder / "users.txt").write_text(f'"{target["user"]}" ""\n')
        (folder / "pooler.ini").write_text(f"""
[databases]
leo = host={target["host"]} port={target.get("port", 5432)} dbname={target["dbname"]} user={target["user"]} pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
auth_file = {folder / "users.txt"}
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
""")
        process = subprocess.Popen([*user, PGBOUNCER, str(folder / "pooler.ini")], stderr=subprocess.PIPE, text=True)
        assert process.stderr
        try:
            started = any("process up" in line for line in process.stderr)
            assert started, "pgbouncer did not start"
            yield f"postgres://{target['user']}@127.0.0.1:{port}/leo?pgbouncer=true&connection_limit=1"
        finally:
            process.terminate()
            process.stderr.close()
            process.wait(10)


def test_a_check_through_a_transaction_pooler_counts_right_and_leaves_nothing(
    pooled: str, database: str, plan: Plan
) -> None:
    insert(database, {"completed_at": "2025-02-01", "github_url": "https://github.com/leo/app"})
    for _ in range(3):
        report = check(plan, observe(plan, pooled, CUTOVER), cutover=CUTOVER)
        rate = report.rate("github_url", "after")
        assert rate
        assert rate.populated == 1
    with psycopg.connect(pooled.split("?")[0], prepare_threshold=None) as next_client:
        shown = next_client.execute(
            "SELECT current_setting('row_security'), current_setting('statement_timeout'), count(*) FROM pg_prepared_statements"
        ).fetchone()
    assert shown == ("on", "0", 0)
