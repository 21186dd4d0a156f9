"""The clean state of a hold: the columns are retired for eight days, and the server's log tells of all of them."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from genreq_checks.demo import apply
from genreq_checks.facts.retired import MARK
from genreq_checks.plan import Plan
from genreq_checks.run import observe
from genreq_checks.staging import stage_retire

HELD = timedelta(days=8)
_STAMPED = """
    SELECT a.attname, pg_catalog.col_description(a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %s::regclass AND pg_catalog.col_description(a.attrelid, a.attnum) LIKE %s
"""


def retire_for_days(url: str, plan: Plan, since: datetime) -> None:
    """Retire the plan's columns by the files of `stage`, and date their stamps back. Only for databases of the self-test."""
    import psycopg
    from psycopg import sql

    from genreq_checks.postgres.catalog import quoted

    now = observe(plan, url, only=["dropped.*", "dependents.*"], fingerprints="none")
    with tempfile.TemporaryDirectory(prefix="genreq-selftest-") as folder:
        stage_retire(plan, url, now, Path(folder))
        apply(url, (Path(folder) / "1-retire.sql").read_text("utf-8"))
    with psycopg.connect(url) as connection:
        for name, comment in connection.execute(_STAMPED, (plan.table.in_sql, f"{MARK}%")).fetchall():
            stamp = json.loads(comment.removeprefix(MARK)) | {"at": written(since)}
            text = sql.Literal(MARK + json.dumps(stamp))
            connection.execute(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(quoted(plan.table), sql.Identifier(name), text)
            )


def log_of_the_hold(plan: Plan, since: datetime) -> str:
    """A log as the server writes it: that the columns were retired, and then an entry each day, without a failure."""
    retired = f"genreq-checks: {plan.table.qualified}: retired: {', '.join(plan.dropped)}, since {written(since)}."
    days = (datetime.now(UTC) - since).days
    said = [retired, *["checkpoint complete"] * days]
    return "".join(
        json.dumps({"timestamp": f"{since + timedelta(days=day):%Y-%m-%d %H:%M:%S.000} UTC", "message": message}) + "\n"
        for day, message in enumerate(said)
    )


def written(moment: datetime) -> str:
    """A time as the stamp has it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
