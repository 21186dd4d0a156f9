"""The two sides: a cutover, a baseline, both, neither; and what the checks make of them, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from genreq_checks import checks
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check
from genreq_checks.snapshot import Column, Snapshot, TableFacts
from genreq_checks.tally import FacetClasses, Tally, TallyRow
from genreq_checks.tally.periods import day_number

URL = ("null", "blank", "populated", "malformed", "credentials")
FACETS = (
    FacetClasses(name="github_url", classes=URL),
    FacetClasses(name="artifacts_github_url", classes=URL),
    FacetClasses(name="derivation.artifacts_github_url", classes=("none", "match", "missing", "wrong", "unexpected")),
    FacetClasses(name="deployment_url", classes=URL),
)
NULL, BLANK, GOOD, MALFORMED, CREDENTIALS = range(5)
NONE, MATCH, MISSING, WRONG, UNEXPECTED = range(5)
CUTOVER = datetime(2025, 1, 10, tzinfo=UTC)
NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)
DONE = (GOOD, GOOD, MATCH, GOOD)
OLD = (GOOD, NULL, MISSING, NULL)


def snapshot(
    plan: Plan, *rows: tuple[str | None, tuple[int, ...], int], read: str = "2025-02-01", split: datetime | None = None
) -> Snapshot:
    """A snapshot of completed rows given as (day, classes, count)."""
    columns = tuple(Column(name=name, type="text", position=index + 1) for index, name in enumerate(plan.kept))
    tally_rows = tuple(TallyRow(day, None, "completed", codes, n) for day, codes, n in rows)
    return Snapshot(
        tool_version="0",
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=SourceInfo(
            kind="postgresql", location="postgresql://h/d", read_at=datetime.fromisoformat(f"{read}T00:00Z")
        ),
        table=TableFacts(schema_name="public", name="generation_requests", kind="table", columns=columns),
        tally=Tally(facets=FACETS, split=split, rows=tally_rows),
    )


def outcomes(report: Report, *ids: str) -> list[str]:
    return [report.check(identifier).outcome for identifier in ids]


def rows_of(report: Report, column: str = "github_url") -> dict[str, int]:
    return {rate.side: rate.rows for rate in report.rates if rate.column == column}


def test_a_cutover_splits_one_table(plan: Plan) -> None:
    now = snapshot(plan, ("2025-01-09", OLD, 100), ("2025-01-10", DONE, 50), (None, OLD, 3))
    report = check(plan, now, cutover=CUTOVER)
    assert rows_of(report) == {"before": 100, "after": 50, "undated": 3}
    change = next(c for c in report.changes if c.column == "artifacts_github_url")
    assert change.difference == 1.0
    assert change.low is not None


def test_a_baseline_alone_compares_whole_tables_exactly(plan: Plan) -> None:
    before = snapshot(plan, ("2025-01-09", OLD, 100), read="2025-01-09")
    now = snapshot(plan, ("2025-01-09", OLD, 100), ("2025-01-10", DONE, 50), (None, OLD, 3))
    report = check(plan, now, before)
    assert rows_of(report) == {"before": 100, "after": 153}
    assert all(change.low is None for change in report.changes)
    assert report.check("derivation.artifacts_github_url").outcome == "fail"  # 103 rows break it now, 100 did


def test_a_baseline_and_a_cutover_show_what_changed_since(plan: Plan) -> None:
    before = snapshot(plan, ("2025-01-09", OLD, 100), read="2025-01-09")
    now = snapshot(plan, ("2025-01-09", OLD, 60), ("2025-01-09", DONE, 40), ("2025-01-11", DONE, 50))
    report = check(plan, now, before, cutover=CUTOVER)
    assert rows_of(report) == {"before": 100, "after": 50, "undated": 0}
    row = next(r for r in report.meanwhile if r.column == "artifacts_github_url")
    assert (row.rows_then, row.rows_now, row.populated_then, row.populated_now) == (100, 100, 0, 40)


def test_with_one_side_a_change_is_unknown_and_the_option_is_named(plan: Plan) -> None:
    report = check(plan, snapshot(plan, ("2025-01-09", DONE, 100)))
    assert rows_of(report) == {"all": 100}
    assert report.changes == ()
    result = report.check("population.artifacts_github_url")
    assert result.outcome == "unknown"
    assert "--cutover" in result.findings[0].message


def test_back_filled_old_rows_do_not_hide_that_new_rows_lack_the_value(plan: Plan) -> None:
    now = snapshot(plan, ("2025-01-09", DONE, 10_000), ("2025-01-11", (GOOD, NULL, MISSING, NULL), 40))
    report = check(plan, now, cutover=CUTOVER)
    ids = ("population.artifacts_github_url", "derivation.artifacts_github_url", "population.deployment_url")
    assert outcomes(report, *ids) == ["fail", "fail", "fail"]


def test_a_cutover_inside_a_day_needs_a_split_or_says_so(plan: Plan) -> None:
    now = snapshot(plan, ("2025-01-09", OLD, 10), ("2025-01-10", DONE, 10))
    report = check(plan, now, cutover=NOON)
    assert rows_of(report) == {"undated": 0}
    assert "is inside a day" in report.check("population.github_url").findings[0].message


def test_a_baseline_read_before_the_cutover_has_only_rows_before_it(plan: Plan) -> None:
    before = snapshot(plan, ("2025-01-10", OLD, 10), read="2025-01-10")
    now = snapshot(plan, ("2025-01-11", DONE, 10), read="2025-01-12")
    assert rows_of(check(plan, now, before, cutover=NOON))["before"] == 10


def test_a_baseline_by_day_read_later_leaves_out_the_cutovers_day_and_says_so(plan: Plan) -> None:
    before = snapshot(plan, ("2025-01-09", OLD, 10), ("2025-01-10", OLD, 7), read="2025-01-20")
    report = check(plan, snapshot(plan, ("2025-01-11", DONE, 10)), before, cutover=NOON)
    assert rows_of(report)["before"] == 10
    assert any("7 completed rows of 2025-01-10" in note for note in report.notes)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((1000, 1000), (960, 1000), "fail"),  # lower beyond the interval
        ((970, 1000), (960, 1000), "pass"),  # lower within it, and over the minimum
        ((990, 1000), (940, 1000), "fail"),  # under the minimum
        ((0, 0), (960, 1000), "unknown"),  # nothing before
        ((970, 1000), (0, 0), "unknown"),  # nothing after
    ],
)
def test_github_url_must_not_fall_and_keep_its_minimum(
    plan: Plan, before: tuple[int, int], after: tuple[int, int], wanted: str
) -> None:
    absent = (NULL, NULL, NONE, NULL)
    rows = [
        ("2025-01-09", OLD, before[0]),
        ("2025-01-09", absent, before[1] - before[0]),
        ("2025-01-11", DONE, after[0]),
        ("2025-01-11", absent, after[1] - after[0]),
    ]
    report = check(plan, snapshot(plan, *rows), cutover=CUTOVER)
    assert report.check("population.github_url").outcome == wanted


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ((100, 1000), (700, 1000), "pass"),
        ((700, 1000), (700, 1000), "fail"),
        ((3, 10), (4, 10), "unknown"),
        ((3, 10), (0, 3), "unknown"),
    ],
)
def test_deployment_url_must_rise_beyond_the_interval(
    plan: Plan, before: tuple[int, int], after: tuple[int, int], wanted: str
) -> None:
    without = (GOOD, GOOD, MATCH, NULL)
    rows = [
        ("2025-01-09", DONE, before[0]),
        ("2025-01-09", without, before[1] - before[0]),
        ("2025-01-11", DONE, after[0]),
        ("2025-01-11", without, after[1] - after[0]),
    ]
    report = check(plan, snapshot(plan, *rows), cutover=CUTOVER)
    assert report.check("population.deployment_url").outcome == wanted
    assert report.check("population.artifacts_github_url").outcome == "pass"  # complete before, complete after


@pytest.mark.parametrize(("broken", "wanted"), [(MISSING, "fail"), (WRONG, "fail"), (UNEXPECTED, "fail")])
def test_one_row_that_breaks_the_derivation_after_the_cutover_fails(plan: Plan, broken: int, wanted: str) -> None:
    now = snapshot(plan, ("2025-01-11", DONE, 999), ("2025-01-11", (GOOD, GOOD, broken, GOOD), 1))
    result = check(plan, now, cutover=CUTOVER).check("derivation.artifacts_github_url")
    assert result.outcome == wanted
    assert "1 row of 1,000 completed rows" in result.findings[0].message


@pytest.mark.parametrize(
    ("bad", "day", "wanted"),
    [
        (MALFORMED, "2025-01-11", "warn"),
        (CREDENTIALS, "2025-01-11", "fail"),
        (CREDENTIALS, None, "fail"),
        (MALFORMED, "2025-01-09", "pass"),
    ],
)
def test_malformed_values_warn_and_credentials_fail(plan: Plan, bad: int, day: str | None, wanted: str) -> None:
    now = snapshot(plan, ("2025-01-11", DONE, 50), (day, (bad, NULL, MISSING, NULL), 1))
    assert check(plan, now, cutover=CUTOVER).check("url-shape.github_url").outcome == wanted


def test_days_that_python_cannot_represent_are_ordered() -> None:
    days = [
        "-infinity",
        "0044-03-15 BC",
        "0001-01-01",
        "1969-12-31",
        "1970-01-01",
        "9999-12-31",
        "20000-01-01",
        "infinity",
    ]
    assert [day_number(day) for day in days] == sorted(day_number(day) for day in days)


def test_tallies_add_up(plan: Plan) -> None:
    one = snapshot(plan, ("2025-01-09", OLD, 3), ("2025-01-11", DONE, 4)).tally
    two = snapshot(plan, ("2025-01-11", DONE, 5)).tally
    assert one
    assert two
    assert (one + two).total == 12
    assert (one + two).count("artifacts_github_url")["populated"] == 9


def test_a_tally_that_was_asked_for_its_total_still_splits_right(plan: Plan) -> None:
    now = snapshot(plan, ("2025-01-09", OLD, 100), ("2025-01-10", DONE, 50))
    first = check(plan, now, phase="before")
    assert now.tally
    assert now.tally.total == 150
    assert first.rates[0].rows == 150
    assert rows_of(check(plan, now, cutover=CUTOVER)) == {"before": 100, "after": 50, "undated": 0}


def test_a_check_that_raises_is_unknown_and_hides_no_other(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError("a value nobody may see")

    faulty = [dataclasses.replace(one, judge=broken) if one.name == "dropped" else one for one in checks.all_checks()]
    monkeypatch.setattr(checks, "all_checks", lambda: tuple(faulty))
    report = check(plan, snapshot(plan, ("2025-01-11", DONE, 50)), cutover=CUTOVER)
    result = report.check("dropped.download_url")
    assert result.outcome == "unknown"
    assert "ZeroDivisionError" in result.findings[0].message
    assert "nobody may see" not in report.model_dump_json()
    assert report.check("kept.github_url").outcome == "pass"
