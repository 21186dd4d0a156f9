"""The report's counts by day: they add up to its rates, are in its JSON, and are enough for a chart over time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreq_checks import charts
from genreq_checks.facts import SourceInfo
from genreq_checks.facts.identity import Identity
from genreq_checks.history.runs import make_run
from genreq_checks.outputs.formats import renderer
from genreq_checks.plan import load_plan
from genreq_checks.report import Report
from genreq_checks.run import check
from genreq_checks.snapshot import Snapshot
from genreq_checks.tally import FacetClasses, Tally, TallyRow

PLAN = load_plan()
CUTOVER = datetime(2025, 1, 10, tzinfo=UTC)
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
CLASSES = ("null", "blank", "populated", "malformed", "credentials")
ODD = ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01")
DAYS = st.sampled_from(["2024-12-31", "2025-01-09", "2025-01-10", "2025-01-11", *ODD, None])
ROWS = st.builds(
    TallyRow,
    day=DAYS,
    split=st.none(),
    status=st.sampled_from(["completed", "failed"]),
    codes=st.tuples(*3 * [st.integers(0, len(CLASSES) - 1)]),
    rows=st.integers(0, 5),
)


def made(*rows: TallyRow, columns: tuple[str, ...] = tuple(PLAN.kept), system: str | None = None) -> Snapshot:
    """A handmade snapshot of counts; `system` is the system identifier in it."""
    identity = Identity(system_identifier=system, database="leo", database_oid=5) if system else None
    source = SourceInfo(kind="postgresql", location="leo", read_at=READ_AT, identity=identity)
    facets = tuple(FacetClasses(name=column, classes=CLASSES) for column in columns)
    return Snapshot(
        tool_version="0",
        plan_fingerprint=PLAN.fingerprint,
        plan_table=PLAN.table.qualified,
        source=source,
        tally=Tally(facets=facets, rows=rows),
    )


def done(day: str | None, code: int = 2, rows: int = 1) -> TallyRow:
    return TallyRow(day, None, "completed", (code, code, code), rows)


def years(number: int) -> Snapshot:
    first = date(2015, 1, 1)
    return made(*(done((first + timedelta(days=n)).isoformat(), rows=100 + n % 7) for n in range(365 * number)))


@pytest.fixture
def report() -> Report:
    return check(PLAN, made(done("2025-01-09", 0, 4), done("2025-01-10"), *map(done, ODD), done(None)), cutover=CUTOVER)


@given(st.lists(ROWS, max_size=12), st.none() | st.lists(ROWS, max_size=6), st.sampled_from([None, CUTOVER]))
def test_the_days_add_up_to_the_rates(rows: list[TallyRow], then: list[TallyRow] | None, cutover: datetime) -> None:
    found = check(PLAN, made(*rows), None if then is None else made(*then), cutover=cutover)
    sums: dict[tuple[str, str], Counter[str]] = {}
    for one in found.daily:
        assert one.rows == one.null + one.blank + one.populated > 0
        numbers = one.model_dump(include={"rows", "populated", "null", "blank", "malformed"})
        sums.setdefault((one.column, one.side), Counter()).update(numbers)
    assert len({(one.column, one.side, one.day) for one in found.daily}) == len(found.daily)
    rates = {(r.column, r.side): r for r in found.rates if r.rows}
    assert sums.keys() == rates.keys()
    for key, rate in rates.items():
        assert {name: sums[key][name] for name in ("rows", "populated", "null", "blank", "malformed")} == {
            name: getattr(rate, name) for name in ("rows", "populated", "null", "blank", "malformed")
        }


def test_rows_without_a_time_differ_from_times_outside_the_calendar(report: Report) -> None:
    days = {(one.side, one.day) for one in report.daily if one.column == "github_url"}
    assert ("undated", None) in days
    assert {day for side, day in days if side == "after"} == {"2025-01-10", "20000-01-01", "infinity"}
    assert {day for side, day in days if side == "before"} == {"2025-01-09", "-infinity", "0044-03-15 BC"}
    counted = charts.daily_counts(report, "github_url")
    assert (counted.undated, counted.beyond) == (1, 4)
    assert len(counted.notes) == 2


def test_the_charts_of_a_report_that_was_saved_are_the_same(report: Report) -> None:
    again = Report.model_validate_json(renderer("json")(report))
    assert again == report
    for column in charts.columns(report):
        assert charts.daily(again, column).to_dict() == charts.daily(report, column).to_dict()
        assert charts.sparkline(again, column).to_dict() == charts.sparkline(report, column).to_dict()
    assert charts.timeline(again).to_dict() == charts.timeline(report).to_dict()


def test_a_report_from_before_there_were_counts_by_day_says_so_and_not_that_there_are_no_rows(report: Report) -> None:
    data = json.loads(renderer("json")(report))
    del data["daily"]
    old = Report.model_validate_json(json.dumps(data))
    assert old.daily == ()
    assert old.rates == report.rates
    for chart in (charts.daily(old, "github_url"), charts.timeline(old)):
        assert "Nothing to draw" in str(chart.to_dict()["title"]["text"])
        assert "no counts by day" in " ".join(chart.to_dict()["title"]["subtitle"])
    none = check(PLAN, made(), cutover=CUTOVER)
    assert "no counts by day" not in json.dumps(charts.daily(none, "github_url").to_dict())


def test_a_column_that_was_not_counted_has_a_chart_that_says_so() -> None:
    some = check(PLAN, made(TallyRow("2025-01-10", None, "completed", (2,), 5), columns=("deployment_url",)))
    assert charts.columns(some) == tuple(PLAN.kept)
    assert "github_url was not counted" in json.dumps(charts.overview(some).to_dict())


def test_an_accepted_foreign_baseline_is_drawn_as_the_report_counts_it() -> None:
    now, then = made(done("2025-01-11", rows=3), system="1"), made(done("2025-01-01", 0, 7), system="2")
    refused = check(PLAN, now, then, cutover=CUTOVER)
    meant = check(PLAN, now, then, cutover=CUTOVER, other_database=True)
    assert [(rate.side, rate.rows) for rate in charts.daily_counts(refused, "github_url").rates] == [("after", 3)]
    assert [(rate.side, rate.rows) for rate in charts.daily_counts(meant, "github_url").rates] == [
        ("before", 7),
        ("after", 3),
    ]


def test_in_json_each_day_has_one_line_and_ten_years_are_less_than_2_mb() -> None:
    text = renderer("json")(check(PLAN, years(10)))
    data = json.loads(text)
    lines = [line for line in text.splitlines() if line.startswith('    {"column": ')]
    assert len(lines) == len(data["daily"]) == 3 * 3650
    assert json.loads(lines[0].removesuffix(",")) == data["daily"][0]
    assert len(text) < 2_000_000
    assert '\n  "daily": [],\n' in renderer("json")(check(PLAN, made()))


def test_a_run_of_a_history_and_the_other_outputs_hold_no_counts_by_day(report: Report) -> None:
    bare = report.model_copy(update={"daily": ()})
    now = made(done("2025-01-10"))
    assert make_run(report, now, READ_AT) == make_run(bare, now, READ_AT)
    for name in ("text", "junit", "markdown", "github", "sarif", "html"):
        assert renderer(name)(report) == renderer(name)(bare)
