"""Charts say the report's numbers, show hostile text as text, and are written as files without network access."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from conftest import Server
from genreq_checks import charts
from genreq_checks.errors import UsageError
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot
from genreq_checks.tally import FacetClasses, Tally, TallyRow
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "\x1b[31mred",
    "x" * 10_000,
    "</script><script>alert(1)",
)
URL_CLASSES = ("null", "blank", "populated", "malformed", "credentials")


@pytest.fixture(scope="module")
def snapshot(server: Server, leo_template: str) -> Snapshot:
    """Two sides, the cutover inside a day, and every kind of time that no calendar holds."""
    plan, database = load_plan(), server.create_database("charts", leo_template)
    for day in range(1, 11):
        insert(database, *({"completed_at": f"2025-01-{day:02} 10:00", "github_url": GITHUB} for _ in range(4)))
    execute(database, plan.sql.forward)
    done = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}
    insert(database, *({"completed_at": f"2025-01-{day:02} 12:00", **done} for day in range(10, 20) for _ in range(5)))
    insert(database, *({"completed_at": f"2025-01-{day:02} 13:00", "github_url": " "} for day in range(10, 14)))
    odd = ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01")
    insert(database, *({"completed_at": when, **done} for when in odd), {"completed_at": None, **done})
    found = observe(plan, database, CUTOVER)
    server.drop_database("charts")
    return found


@pytest.fixture
def report(snapshot: Snapshot, plan: Plan) -> Report:
    return check(plan, snapshot, cutover=CUTOVER)


def made(rows: list[TallyRow], read_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Snapshot:
    """A handmade snapshot of counts of github_url."""
    source = SourceInfo(kind="files", location="rows.csv", read_at=read_at)
    tally = Tally(facets=(FacetClasses(name="github_url", classes=URL_CLASSES),), rows=tuple(rows))
    plan = load_plan()
    fingerprint, table = plan.fingerprint, plan.table.qualified
    return Snapshot(tool_version="0", plan_fingerprint=fingerprint, plan_table=table, source=source, tally=tally)


def all_charts(report: Report) -> Iterator[charts.Chart]:
    yield charts.rates(report)
    yield charts.reasons(report)
    yield charts.derivation(report)
    yield charts.statuses(report)
    yield charts.timeline(report)
    yield charts.trends(report)
    yield charts.overview(report)
    for column in charts.columns(report):
        yield charts.daily(report, column)
        yield charts.sparkline(report, column)


def test_the_days_add_up_to_the_rates_of_the_report(report: Report, plan: Plan) -> None:
    for column in plan.kept:
        frame = charts.daily_rates(report, column)
        days = charts.daily_counts(report, column)
        assert days.undated == 1
        assert days.beyond == 4
        sums = frame.groupby("side")[["rows", "populated", "null", "blank", "malformed"]].sum()
        for side, beyond in (("before", 2), ("after", 2)):
            rate = report.rate(column, side)
            assert rate is not None
            got = [int(sums.loc[side, name]) for name in ("rows", "populated", "null", "blank", "malformed")]
            assert got == [rate.rows - beyond, rate.populated - beyond, rate.null, rate.blank, rate.malformed]


def test_the_day_of_the_cutover_is_on_both_sides(report: Report) -> None:
    frame = charts.daily_rates(report, "github_url")
    there = frame[frame["day"] == date(2025, 1, 10)]
    assert dict(zip(there["side"], there["rows"], strict=True)) == {"before": 4, "after": 6}


def test_with_a_baseline_the_days_before_are_the_baselines(plan: Plan) -> None:
    before = made([TallyRow("2025-01-01", None, "completed", (2,), 7)])
    after = made(
        [TallyRow("2025-01-01", None, "completed", (0,), 7), TallyRow("2025-01-20", None, "completed", (2,), 3)]
    )
    cutover = datetime(2025, 1, 10, tzinfo=UTC)
    frame = charts.daily_rates(check(plan, after, before, cutover=cutover), "github_url")
    assert list(zip(frame["side"], frame["populated"], strict=True)) == [("before", 7), ("after", 3)]


@pytest.mark.parametrize(("days", "step"), [(100, "day"), (700, "week"), (4000, "month"), (9000, "year")])
def test_many_days_are_drawn_in_longer_steps_and_none_is_lost(plan: Plan, days: int, step: str) -> None:
    first = date(1999, 12, 30)
    rows = [
        TallyRow((first + timedelta(days=n)).isoformat(), None, "completed", (n % 2 * 2,), n)
        for n in range(1, days + 1)
    ]
    report = check(plan, made(rows))
    counted = charts.daily_counts(report, "github_url")
    assert counted.step == step
    assert len(counted.rates) <= 150
    assert sum(rate.rows for rate in counted.rates) == days * (days + 1) // 2
    assert sum(rate.populated for rate in counted.rates) == sum(n for n in range(1, days + 1) if n % 2)
    assert len(json.dumps(charts.daily(report, "github_url").to_dict())) < 60_000


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_can_be_drawn(plan: Plan, day: str) -> None:
    rows = [
        TallyRow((date(2025, 1, 1) + timedelta(days=n)).isoformat(), None, "completed", (2,), 1) for n in range(400)
    ]
    report = check(plan, made([*rows, TallyRow(day, None, "completed", (2,), 1)]))
    assert sum(rate.rows for rate in charts.daily_counts(report, "github_url").rates) == 401
    assert "<svg" in charts.svg(charts.daily(report, "github_url"))


def test_every_chart_is_valid_and_is_drawn(report: Report) -> None:
    for chart in all_charts(report):
        spec = chart.to_dict()  # altair holds it to the Vega-Lite schema
        assert spec["usermeta"] == {"embedOptions": {"actions": False, "renderer": "svg"}}
        assert spec["background"] == "transparent"
        assert spec["description"]
        assert etree.fromstring(charts.svg(chart).encode()).tag.endswith("svg")


def test_titles_say_the_finding(snapshot: Snapshot, report: Report, plan: Plan) -> None:
    assert title(charts.rates(report)) == "artifacts_github_url rose from 4.8 % to 92.9 %"
    assert (
        title(charts.rates(check(plan, snapshot)))
        == "artifacts_github_url is populated in 55.6 % (55 of 99), the lowest"
    )
    assert title(charts.daily(report, "deployment_url")) == "deployment_url: 4.8 % before, 92.9 % after"
    assert title(charts.reasons(report)).startswith("Most without a value after: ")
    assert title(charts.statuses(report)) == "99 (100 %) of 99 rows are completed"


def test_the_rates_chart_holds_the_reports_numbers_and_says_them_in_words(report: Report) -> None:
    chart = charts.rates(report).to_dict()
    drawn = values(chart)
    words_at_marks = json.dumps(chart, ensure_ascii=False)
    for rate in report.rates:
        words = f"{rate.column} {rate.side}: "
        assert words in chart["description"]
        assert f"{rate.populated:,} of {rate.rows:,}" in words_at_marks
        found = [v for v in drawn if (v["column"], v["side"]) == (rate.column, rate.side)]
        assert rate.side == "undated" or (found[0]["rate"], found[0]["low"], found[0]["high"]) == (
            rate.rate,
            rate.low,
            rate.high,
        )


def test_without_rows_there_is_a_sentence_and_no_rate(database: str, plan: Plan) -> None:
    now = observe(plan, database, CUTOVER)
    report = check(plan, now, cutover=CUTOVER)
    assert title(charts.rates(report)) == "There are no completed rows"
    for chart in all_charts(report):
        assert charts.svg(chart)
    unread = made([]).model_copy(update={"tally": None})
    for chart in all_charts(check(plan, unread)):
        assert charts.svg(chart)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    plan = load_plan()
    now = made([TallyRow("2025-01-01", None, "completed", (2,), 5), TallyRow("2025-01-01", None, text, (2,), 50)])
    report = check(plan, now)
    report = report.model_copy(update={"rates": tuple(r.model_copy(update={"column": text}) for r in report.rates)})
    for chart in (charts.statuses(report), charts.rates(report), charts.reasons(report)):
        root = etree.fromstring(charts.svg(chart).encode())
        assert {etree.QName(element).localname for element in root.iter()} <= {
            "svg",
            "g",
            "path",
            "line",
            "text",
            "tspan",
            "rect",
        }
        assert not [a for element in root.iter() for a in element.attrib if a.endswith("href") or a.startswith("on")]


def test_no_channel_makes_a_link_or_an_image(report: Report) -> None:
    for chart in all_charts(report):
        text = json.dumps(chart.to_dict())
        assert not re.search(r'"(href|url)"\s*:', text)
        assert '"field": "image"' not in text


@pytest.mark.parametrize("suffix", [".svg", ".png", ".html", ".json"])
def test_a_chart_is_saved(suffix: str, report: Report, tmp_path: Path) -> None:
    file = tmp_path / f"chart{suffix}"
    charts.save(charts.rates(report), file)
    data = file.read_bytes()
    if suffix == ".png":
        assert data.startswith(b"\x89PNG")
    elif suffix == ".json":
        assert json.loads(data)["$schema"].startswith("https://vega.github.io/")
    else:
        assert b"artifacts_github_url rose" in data
    if suffix == ".html":
        assert not re.search(rb"<(script|link)[^>]+(src|href)=", data)  # nothing is fetched


def test_a_saved_svg_is_light_on_a_dark_page(report: Report, tmp_path: Path) -> None:
    charts.save(charts.rates(report), tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text("utf-8")
    assert "prefers-color-scheme:dark" in text
    assert "currentColor" in text
    assert "<style>" not in charts.svg(charts.rates(report))  # inside a page the page's own colour holds


@pytest.mark.parametrize("name", ["chart.gif", "chart", "nowhere/chart.svg"])
def test_a_chart_that_cannot_be_saved_is_refused_before_anything_is_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        charts.check_suffix(tmp_path / name)
    done = genreq("check", "postgresql://nobody@127.0.0.1:1/none", "--chart", str(tmp_path / name))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_check_draws_charts(snapshot: Snapshot, tmp_path: Path) -> None:
    snapshot.save(tmp_path / "now.json")
    files = [tmp_path / "a.svg", tmp_path / "b.json"]
    options = [part for file in files for part in ("--chart", str(file))]
    done = genreq("check", str(tmp_path / "now.json"), "--cutover", "2025-01-10T12:00Z", *options)
    assert done.returncode in (0, 1)
    assert b"<svg" in files[0].read_bytes()
    assert json.loads(files[1].read_bytes())["vconcat"]


def genreq(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "genreq_checks", *arguments], capture_output=True, text=True, check=False
    )


def title(chart: charts.Chart) -> str:
    text = chart.to_dict()["title"]["text"]
    if isinstance(text, dict):  # the page's width chooses the lines; the first are those of the widest
        text, _ = json.JSONDecoder().raw_decode(text["expr"], text["expr"].index("["))
    return " ".join(text)


def values(spec: Any) -> list[dict[str, Any]]:
    """The drawn rates, from any place in a chart."""
    if isinstance(spec, dict) and "rate" in spec:
        return [spec]
    parts = list(spec.values()) if isinstance(spec, dict) else spec if isinstance(spec, list) else []
    return [value for part in parts for value in values(part)]
