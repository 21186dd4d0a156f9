"""The plan's own SQL: SQL that is invalid, or does not do what the plan says, makes the checks before the drop unknown."""

from __future__ import annotations

from typing import Any

import pytest

from contradicted import GONE, KEPT, ZIP, before, changed, forward, names, unknown
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import insert


@pytest.fixture
def filled(database: str) -> str:
    """A table about which phase `before` has nothing to say but that all is well."""
    insert(database, ZIP, ZIP, {"status": "failed"})
    return database


ALL_BEFORE = {
    *names("kept", *KEPT),
    *names("loss", *GONE),
    *names("dependents", *GONE),
    *names("claims", *GONE, "github_url", "artifacts_github_url"),
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("please drop the two columns", "it could not be parsed"),
        (
            "ALTER TABLE generation_requests DROP COLUMN download_url; oops",
            "statement 2 does not begin with an SQL command",
        ),
        ("-- to be written", "it holds no statement"),
        ("DROP COLUMN download_url", "statement 1 does not begin with an SQL command"),
    ],
)
def test_forward_sql_that_is_not_sql_makes_every_check_before_unknown(
    filled: str, plan: Plan, text: str, words: str
) -> None:
    found = unknown(before(forward(plan, text), filled))
    assert set(found) == ALL_BEFORE
    assert all("the plan's forward SQL cannot be read as SQL" in reason for reason in found.values())
    assert words in found["kept.github_url"]
    asks_nothing = before(forward(plan, text), filled).check("claims.deployment_url")
    assert asks_nothing.outcome == "skip"


DROPS = 'ALTER TABLE "generation_requests" DROP COLUMN "download_url", DROP COLUMN "conversation"'


@pytest.mark.parametrize(
    ("more", "kept", "words"),
    [
        (
            'ALTER TABLE "generation_requests" DROP COLUMN "github_url"',
            ["github_url"],
            "drops github_url, which the plan keeps",
        ),
        (
            "ALTER TABLE generation_requests DROP deployment_url, ADD deployment_url text",
            ["deployment_url"],
            "drops deployment_url",
        ),
        ("ALTER TABLE generation_requests RENAME github_url TO repository", ["github_url"], "renames github_url"),
        (
            "ALTER TABLE public.generation_requests DROP COLUMN IF EXISTS error_message",
            KEPT,
            "drops error_message, which the plan does not name",
        ),
        ('DROP TABLE "generation_requests" CASCADE', KEPT, "drops the table"),
        ("ALTER TABLE generation_requests RENAME TO requests", KEPT, "renames the table"),
        ("DROP SCHEMA public CASCADE", KEPT, "drops the table"),
        (
            "DO $$ BEGIN ALTER TABLE generation_requests DROP COLUMN github_url; END $$",
            ["github_url"],
            "not certain whether the plan's forward SQL drops github_url",
        ),
        ('ALTER TABLE "iteration_snapshots" DROP COLUMN "github_url"', [], ""),
        ('ALTER TABLE leo.generation_requests DROP COLUMN "github_url"', [], ""),
        ("SET lock_timeout = '5s'", [], ""),
        ("CREATE INDEX CONCURRENTLY ON generation_requests (github_url)", [], ""),
        ("COMMENT ON COLUMN generation_requests.github_url IS 'drop it later'", [], ""),
        ("START TRANSACTION; SAVEPOINT a; LOCK TABLE generation_requests IN ACCESS EXCLUSIVE MODE; COMMIT", [], ""),
    ],
)
def test_forward_sql_that_drops_a_column_that_stays_is_contradicted(
    filled: str, plan: Plan, more: str, kept: Any, words: str
) -> None:
    found = unknown(before(forward(plan, f"{DROPS};\n--> statement-breakpoint\n{more};"), filled))
    assert set(found) == names("kept", *kept)
    assert all(words in reason for reason in found.values())


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        (
            'ALTER TABLE "generation_requests" DROP COLUMN "conversation"',
            ["download_url"],
            "does not drop download_url",
        ),
        (
            "ALTER TABLE generation_requests DROP COLUMN downlod_url, DROP conversation",
            ["download_url"],
            "it drops 'downlod_url'",
        ),
        ("ALTER TABLE generation_request DROP COLUMN download_url, DROP COLUMN conversation", GONE, "does not drop"),
        ("ALTER TABLE generation_requests DORP COLUMN download_url, DROP COLUMN conversation", GONE, "is not certain"),
        (
            'ALTER TABLE generation_requests DROP COLUMN "Download_url", DROP conversation',
            ["download_url"],
            "does not drop",
        ),
        (
            "ALTER TABLE generation_requests RENAME download_url TO x; ALTER TABLE generation_requests DROP conversation",
            ["download_url"],
            "it renames download_url",
        ),
        (f"{DROPS}; ALTER TABLE generation_requests ADD COLUMN conversation jsonb", ["conversation"], "does not drop"),
        (
            "DO $$ BEGIN EXECUTE 'ALTER TABLE generation_requests DROP COLUMN download_url'; END $$",
            GONE,
            "is not certain",
        ),
    ],
)
def test_forward_sql_that_does_not_drop_a_dropped_column_is_contradicted(
    filled: str, plan: Plan, text: str, columns: Any, words: str
) -> None:
    found = unknown(before(forward(plan, text), filled))
    wanted = {*names("claims", *columns), *names("loss", *columns), *names("dependents", *columns)}
    assert {name for name in found if not name.startswith("kept")} == wanted
    assert all(words in found[name] for name in wanted)


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("put the columns back", GONE, "the plan's rollback SQL cannot be read as SQL"),
        ("SELECT 1", GONE, "does not bring"),
        (
            "ALTER TABLE generation_requests ADD download_url text",
            ["conversation"],
            "does not bring conversation back to public.generation_requests",
        ),
        ("ALTER TABLE generation_requests ADD COLUMN IF NOT EXISTS download_url text, ADD conversation jsonb", [], ""),
    ],
)
def test_rollback_sql_that_does_not_bring_a_column_back_is_contradicted(
    filled: str, plan: Plan, text: str, columns: Any, words: str
) -> None:
    found = unknown(before(changed(plan, "sql", rollback=text), filled))
    assert set(found) == names("loss", *columns)
    assert all(words in reason for reason in found.values())


def test_a_contradiction_hides_no_failure_and_keeps_the_numbers(filled: str, plan: Plan) -> None:
    insert(filled, {"download_url": "x"})
    report = before(forward(plan, "SELECT 1"), filled)
    assert report.check("claims.download_url").outcome == "fail"
    unsure = report.check("claims.conversation")
    assert (unsure.outcome, unsure.found, len(unsure.findings)) == ("unknown", 1, 1)
    assert unsure.findings[0].evidence["rows"] == 4
    assert unsure.findings[0].remedy


def test_the_sql_is_judged_only_before_the_drop(filled: str, plan: Plan) -> None:
    plan = forward(plan, 'ALTER TABLE "generation_requests" DROP COLUMN "github_url"')
    report = check(plan, observe(plan, filled))
    assert report.check("kept.github_url").outcome == "pass"
