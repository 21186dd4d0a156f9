"""The files for `check` and `rehearse` in a clean state, all of them without a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from genreq_checks.checks.fault import (
    CODE,
    DROPPED,
    DROPPED_AT,
    FORWARD,
    GENERATION,
    JOURNAL,
    MADE,
    MADE_AT,
    MESSAGES,
    MIGRATIONS,
    PLAN,
    ROLLBACK,
)
from genreq_checks.demo import CUTOVER, messages
from genreq_checks.facts import Copied, Derived, GenerationFacts
from genreq_checks.files import resource
from genreq_checks.leo.generation.saved import save_facts
from genreq_checks.plan import BUILT_IN, Plan
from genreq_checks.selftest.clean_code import TREE

BOOKS = """
    CREATE SCHEMA IF NOT EXISTS "drizzle";
    CREATE TABLE IF NOT EXISTS "drizzle"."__drizzle_migrations"
        ("id" serial PRIMARY KEY, "hash" text NOT NULL, "created_at" bigint);
    TRUNCATE "drizzle"."__drizzle_migrations";
"""
FIRST_NEW_ROW = 601  # the sample history has 600 rows


def write_files(folder: Path, plan: Plan) -> None:
    """Write the plan, the source code, the migrations, the recorded messages, a saved generation, the SQL to rehearse."""
    (folder / PLAN).write_bytes(resource("plans", f"{BUILT_IN}.toml").read_bytes())
    for name, text in (TREE | _migrations(plan)).items():
        file = folder / (name if name.startswith(MIGRATIONS) else f"{CODE}/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="")
    (folder / MESSAGES).write_text("".join(f"{line}\n" for line in _recording()), "utf-8")
    (folder / FORWARD).write_text(plan.forward_sql, "utf-8")
    (folder / ROLLBACK).write_text(plan.sql.rollback or "", "utf-8")
    save_facts(_generation(plan, CUTOVER + timedelta(days=9)), folder / GENERATION)


def keep_books(url: str, plan: Plan, applied: Sequence[str]) -> None:
    """Create the migration tool's bookkeeping in a database, or create it again, with the applied migrations."""
    import psycopg

    texts, times = _migrations(plan), {MADE: MADE_AT, DROPPED: DROPPED_AT}
    rows = [(sha256(texts[f"{MIGRATIONS}/{tag}.sql"].encode()).hexdigest(), times[tag]) for tag in applied]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(BOOKS)
        cursor.executemany('INSERT INTO "drizzle"."__drizzle_migrations" ("hash", "created_at") VALUES (%s, %s)', rows)


def _migrations(plan: Plan) -> dict[str, str]:
    entries = [
        {"idx": index, "version": "7", "when": when, "tag": tag, "breakpoints": True}
        for index, (tag, when) in enumerate(((MADE, MADE_AT), (DROPPED, DROPPED_AT)))
    ]
    return {
        f"{MIGRATIONS}/{MADE}.sql": 'CREATE TABLE "generation_requests" ("id" serial PRIMARY KEY NOT NULL);\n',
        f"{MIGRATIONS}/{DROPPED}.sql": plan.forward_sql,
        JOURNAL: json.dumps({"version": "7", "dialect": "postgresql", "entries": entries}, indent=2),
    }


def _recording() -> Iterator[str]:
    """The messages behind the new rows, in the order of the rows."""
    for number, (message, moment) in enumerate(messages()):
        sent = json.loads(message.to_json()) | {"request_id": FIRST_NEW_ROW + number}
        yield json.dumps(sent | {"received_at": moment.isoformat()})


def _generation(plan: Plan, when: datetime) -> GenerationFacts:
    def copied(column: str, field: str, sent: str) -> Copied:
        return Copied(column=column, field=field, sent=sent, stored="as sent", changed=True)

    return GenerationFacts(
        run_at=when,
        table=plan.table.qualified,
        request=str(FIRST_NEW_ROW),
        server="ws://localhost:5000/wsi",
        database="postgresql://localhost/leo",
        reached=True,
        status="completed",
        completed=True,
        copied=(
            copied("github_url", "github_url", "https://github.com/leo-apps/a"),
            copied("deployment_url", "flyio_url", "https://a.fly.dev"),
        ),
        derived=(Derived(column="artifacts_github_url", source="github_url", derivation="match"),),
    )
