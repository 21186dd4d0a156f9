"""The one line about the baseline's rows and values, beside the rates."""

from __future__ import annotations

import pytest

from genreq_checks.dashboard import wording
from genreq_checks.outputs.figures import content
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute

MADE = """
    INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url)
    SELECT gen_random_uuid(), '', '', '', 'completed', timestamp '2025-01-01' + i * interval '1 hour',
        'https://github.com/leo/app-' || i FROM generate_series(1, 30) i
"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("SELECT 1", "30 rows of the baseline: all there, no value changed"),
        (
            "DELETE FROM generation_requests WHERE id < 4",
            "30 rows of the baseline: 3 gone, values changed, or not",
        ),
        (
            "UPDATE generation_requests SET github_url = 'https://github.com/leo/x' WHERE id = 9",
            "all there, values changed, or not known to be the same, in github_url",
        ),
        (
            "UPDATE generation_requests SET id = 900 WHERE id = 9",
            "30 rows of the baseline: 1 gone, values",
        ),
    ],
)
def test_it_tells_what_became_of_rows_and_values(database: str, plan: Plan, change: str, words: str) -> None:
    execute(database, MADE)
    baseline = observe(plan, database)
    execute(database, change)
    report = check(plan, observe(plan, database, baseline=baseline), baseline)
    told = content(report)
    assert told is not None
    assert words in told
    assert wording.content(report) == f"{told}."
    assert told in "\n".join(_outputs(report))


def test_it_is_silent_without_a_baseline_and_says_when_nothing_was_compared(database: str, plan: Plan) -> None:
    execute(database, MADE)
    now = observe(plan, database)
    assert content(check(plan, now)) is None
    assert wording.content(check(plan, now)) == ""
    without = now.model_copy(update={"fingerprints": None})
    assert content(check(plan, now, without)) == "rows of the baseline: not compared"


def _outputs(report: Report) -> list[str]:
    from genreq_checks.outputs.text import render

    return [render(report, width=400)]
