"""Faults after a rollback: columns that are not back, or back without their values or their type."""

from __future__ import annotations

from genreq_checks.selftest.fault import by_sql, fault

ROLLED_BACK = (
    fault(
        "download_url is back, and empty",
        "rolled-back",
        by_sql("UPDATE generation_requests SET download_url = NULL"),
        "loss.download_url",
        "rollback",
    ),
    fault(
        "download_url is back with another type",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN download_url TYPE character varying(2000)"),
        "dropped.download_url",
    ),
    fault(
        "conversation is not back",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests DROP COLUMN conversation"),
        "dropped.conversation",
        "rollback",
        unknown="loss.conversation",
    ),
    fault(
        "a table that lost its primary key",
        "rolled-back",
        by_sql("ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE"),
        unknown="rollback",
    ),
)
