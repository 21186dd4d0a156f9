"""Rolled back means rolled back: a column is as it was only with all that the baseline's catalog has of it."""

from __future__ import annotations

import pytest

from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Problem, Snapshot
from rows import execute, insert

ATTACHED = """
    UPDATE generation_requests SET download_url = 'https://a.example/' || id;
    ALTER TABLE generation_requests ALTER download_url SET NOT NULL, ALTER download_url SET DEFAULT 'a secret default',
        ADD CONSTRAINT urls_are_unique UNIQUE (download_url), ADD CONSTRAINT urls_are_short CHECK (length(download_url) < 99);
    CREATE INDEX urls ON generation_requests (lower(download_url));
    CREATE STATISTICS url_statistics ON download_url, github_url FROM generation_requests;
    COMMENT ON COLUMN generation_requests.download_url IS 'where the code is';
    GRANT SELECT (download_url) ON generation_requests TO PUBLIC;
    CREATE VIEW shown AS SELECT id, download_url FROM generation_requests;
"""


@pytest.fixture
def baseline(database: str, plan: Plan) -> Snapshot:
    insert(database, {}, {})
    execute(database, ATTACHED)
    return observe(plan, database)


def judged(plan: Plan, url: str, baseline: Snapshot) -> CheckResult:
    now = observe(plan, url, baseline=baseline)
    return check(plan, now, baseline, phase="rolled-back").check("dropped.download_url")


def test_with_all_of_it_it_passes(database: str, plan: Plan, baseline: Snapshot) -> None:
    result = judged(plan, database, baseline)
    assert result.outcome == "pass", result
    assert "with all that was attached to it" in result.findings[0].message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE generation_requests ALTER download_url DROP NOT NULL", "it was NOT NULL"),
        ("ALTER TABLE generation_requests ALTER download_url DROP DEFAULT", "it had a default"),
        ("ALTER TABLE generation_requests ALTER download_url SET DEFAULT 'other'", "its default is another one"),
        ("ALTER TABLE generation_requests DROP CONSTRAINT urls_are_unique", "urls_are_unique"),
        ("ALTER TABLE generation_requests DROP CONSTRAINT urls_are_short", "urls_are_short"),
        ("DROP INDEX urls", "the index public.urls is missing"),
        (
            "DROP INDEX urls; CREATE INDEX urls ON generation_requests (upper(download_url))",
            "the index public.urls is defined otherwise",
        ),
        (
            (
                "ALTER TABLE generation_requests DROP CONSTRAINT urls_are_short; "  # of the same name
                "ALTER TABLE generation_requests ADD CONSTRAINT urls_are_short CHECK (length(download_url) < 9999)"
            ),
            "is defined otherwise",
        ),
        ("COMMENT ON COLUMN generation_requests.download_url IS 'other'", "is defined otherwise"),
        ("DROP STATISTICS url_statistics", "url_statistics is missing"),
        ("COMMENT ON COLUMN generation_requests.download_url IS NULL", "the comment"),
        ("REVOKE SELECT (download_url) ON generation_requests FROM PUBLIC", "the grant select to public"),
        ("DROP VIEW shown", "the view public.shown is missing"),
        ("DROP VIEW shown; ALTER TABLE generation_requests ALTER download_url TYPE varchar(200)", "it was text"),
    ],
)
def test_what_is_missing_is_named_and_fails(
    database: str, plan: Plan, baseline: Snapshot, change: str, words: str
) -> None:
    execute(database, change)
    result = judged(plan, database, baseline)
    assert result.outcome == "fail"
    assert words in result.findings[0].message
    assert "secret" not in str(result)


def test_what_could_not_be_read_is_not_called_whole(database: str, plan: Plan, baseline: Snapshot) -> None:
    problem = Problem(part="dependents", message="The dependents could not be read.")
    now = observe(plan, database, baseline=baseline).model_copy(update={"dependents": None, "problems": (problem,)})
    result = check(plan, now, baseline, phase="rolled-back").check("dropped.download_url")
    assert (result.outcome, "could not be read" in result.findings[0].message) == ("unknown", True)
    now = observe(plan, database, baseline=baseline)
    result = check(plan, now, baseline.model_copy(update={"dependents": None}), phase="rolled-back").check(result.id)
    assert "all that was attached" not in result.findings[0].message


def test_without_a_baseline_the_plans_type_is_all_that_is_known(database: str, plan: Plan, baseline: Snapshot) -> None:
    execute(database, "DROP INDEX urls")
    result = check(plan, observe(plan, database), phase="rolled-back").check("dropped.download_url")
    assert (result.outcome, result.findings[0].message) == ("pass", "Back in public.generation_requests as text.")
