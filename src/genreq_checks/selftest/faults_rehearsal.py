"""Faults that only a rehearsal can notice before it is too late: SQL that does not do, or undo, what the plan says."""

from __future__ import annotations

from genreq_checks.selftest.clean_files import FORWARD, ROLLBACK
from genreq_checks.selftest.fault import by_edit, by_sql, fault
from genreq_checks.selftest.faults_before import FUNCTION

DOWNLOAD_URL = 'ALTER TABLE "generation_requests" DROP COLUMN "download_url"'
FILL = """UPDATE "generation_requests" SET "deployment_url" = 'https://a.fly.dev' WHERE "deployment_url" IS NULL;"""
MADE_AGAIN = """
DROP TABLE "generation_requests" CASCADE;
CREATE TABLE "generation_requests" ("id" serial PRIMARY KEY, "completed_at" timestamp);
"""
NOT_REACHED = (
    "dependents.download_url dependents.conversation dropped.download_url dropped.conversation "
    "kept.github_url kept.artifacts_github_url kept.deployment_url rollback"
)

REHEARSAL = (
    fault(
        "the forward SQL forgets conversation",
        "rehearsal",
        by_edit(FORWARD, 'ALTER TABLE "generation_requests" DROP COLUMN "conversation";', "SELECT 1;"),
        "forward",
        unknown=NOT_REACHED,
    ),
    fault(
        "the forward SQL drops a column that stays",
        "rehearsal",
        by_edit(FORWARD, 'DROP COLUMN "conversation";', 'DROP COLUMN "conversation", DROP COLUMN "error_message";'),
        "forward",
        "rollback",
    ),
    fault(
        "the forward SQL fills deployment_url, which the plan does not say",
        "rehearsal",
        by_edit(FORWARD, 'DROP COLUMN "conversation";', f'DROP COLUMN "conversation"; {FILL}'),
        "forward",
        "rollback",
    ),
    fault(
        "the forward SQL begins with a byte-order mark",
        "rehearsal",
        by_edit(FORWARD, DOWNLOAD_URL, f"\ufeff{DOWNLOAD_URL}"),
        "forward",
        unknown=NOT_REACHED,
    ),
    fault(
        "the forward SQL drops the table and makes it again without a status",
        "rehearsal",
        by_edit(FORWARD, 'ALTER TABLE "generation_requests" DROP COLUMN "conversation";', MADE_AGAIN),
        "forward",
        "rollback",
        "kept.github_url",
        "kept.artifacts_github_url",
        "kept.deployment_url",
    ),
    fault(
        "the rollback SQL forgets conversation",
        "rehearsal",
        by_edit(ROLLBACK, 'ALTER TABLE "generation_requests" ADD COLUMN "conversation" JSONB;', ""),
        "rollback",
        unknown="forward",
    ),
    fault(
        "a trigger that lets no row be written once conversation is gone",
        "rehearsal",
        by_sql(FUNCTION),
        "forward",
        "dependents.conversation",
    ),
)
