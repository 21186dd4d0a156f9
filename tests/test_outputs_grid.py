"""Failures first, one cause once, passes by family, and the first rows behind a check, in text, Markdown and HTML."""

from __future__ import annotations

import csv
import io
from urllib.parse import unquote

import html5lib
import pytest

from genreq_checks.outputs.first_rows import MOST_BYTES, csv_address, csv_of
from genreq_checks.outputs.formats import renderer
from genreq_checks.outputs.grid import causes, families, first_rows, open_checks, passed, remedies
from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult, ExampleRow, Examples, Finding, Report
from genreq_checks.run import check, observe
from reports import hostile_report


def result(name: str, outcome: str, message: str = "m", remedy: str = "", command: str = "") -> CheckResult:
    finding = Finding(subject=name, outcome=outcome, message=message, remedy=remedy)  # type: ignore[arg-type]
    return CheckResult(id=name, title=name, outcome=outcome, found=1, findings=(finding,), command=command)  # type: ignore[arg-type]


def report_of(*results: CheckResult) -> Report:
    return hostile_report("calm").model_copy(update={"checks": results})


def with_rows(*rows: ExampleRow, of: int | None = None) -> CheckResult:
    examples = Examples(key=("id",), columns=("url",), rows=rows, of=of)
    return result("loss.a", "fail").model_copy(update={"examples": examples})


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_a_missing_table_is_said_once_for_all_checks(empty_database: str, plan: Plan, name: str) -> None:
    report = check(plan, observe(plan, empty_database))
    text = renderer(name)(report).replace("\\", "")
    (cause,) = causes(report)
    assert len(cause.checks) == report.counts["unknown"] > 10
    assert " ".join(text.split()).count("There is no table public.generation_requests") == 1
    assert f"{len(cause.checks)} checks" in text
    for family in families(cause.checks):
        assert family.name in text


def test_a_reason_of_one_check_is_no_common_cause_and_nothing_is_lost() -> None:
    one, two, three = (result(f"kept.{name}", "unknown", "Not judged: a") for name in "abc")
    other, bad = result("rows", "unknown", "Not judged: b"), result("values.a", "fail", "Not judged: a")
    report = report_of(one, other, two, bad, three, result("values.b", "pass"))
    (cause,) = causes(report)
    assert (cause.reason, cause.checks) == ("A", (one, two, three))
    assert open_checks(report) == [bad, other]
    assert [family.words for family in families(passed(report))] == ["values: b"]
    shown = {found.id for found in (*cause.checks, *open_checks(report), *passed(report))}
    assert shown == {found.id for found in report.checks}


def test_an_unknown_check_that_also_measured_something_keeps_its_own_line() -> None:
    one, two = (result(f"kept.{name}", "unknown", "Not judged: a") for name in "ab")
    measured = two.findings[0].model_copy(update={"outcome": "warn", "message": "3 rows"})
    mixed = two.model_copy(update={"findings": (*two.findings, measured)})
    report = report_of(one, mixed)
    assert causes(report) == ()
    assert open_checks(report) == [one, mixed]


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_failures_come_before_what_is_unknown_and_what_warns(name: str) -> None:
    report = report_of(
        result("kept.warned", "warn"),
        result("kept.one", "unknown", "Not judged: the same"),
        result("kept.two", "unknown", "Not judged: the same"),
        result("kept.failed", "fail"),
    )
    text = renderer(name)(report).replace("\\", "")
    places = [text.index(words) for words in ("kept.failed", "The same", "kept.warned")]
    assert places == sorted(places)


def test_a_remedy_does_not_repeat_the_command_that_stands_below_it() -> None:
    command = "genreq-checks rows loss.a postgresql://h/d"
    found = result("loss.a", "fail", remedy=f"Look at the rows: {command}", command=command)
    assert remedies(found) == ["Look at the rows (command below)"]
    text = renderer("text")(report_of(found))
    assert text.count(command) == 1
    assert f"\n    {command}\n" in text


def test_a_long_command_stands_on_one_line_in_a_narrow_terminal() -> None:
    from genreq_checks.outputs.text import render

    command = f"genreq-checks rows loss.a postgresql://{'h' * 200}/d --cutover 2025-01-10T12:00:00Z"
    assert f"\n    {command}\n" in render(report_of(result("loss.a", "fail", command=command)), 48)


def test_the_first_rows_are_told_in_one_line() -> None:
    rows = [ExampleRow(key=(str(n),), time=None, finding="null", values=("NULL",)) for n in range(5)]
    assert first_rows(with_rows(*rows, of=1234)) == "id 0 (null), 1 (null), 2 (null); 3 of 1,234 rows"
    assert first_rows(with_rows(rows[0], of=1)) == "id 0 (null); 1 of 1 row"
    assert first_rows(result("loss.a", "fail")) == ""


def test_the_csv_in_the_page_is_the_rows_and_holds_no_formula() -> None:
    formula = "=cmd|' /C calc'!A0"
    found = with_rows(ExampleRow(key=(formula,), time=None, finding="-1+1", values=('say "hi", a\nb',)))
    header, row = csv.reader(io.StringIO(csv_of(found)))
    assert header == ["id", "time", "finding", "url"]
    assert row == [f"'{formula}", "", "'-1+1", 'say "hi", a b']
    page = html5lib.parse(renderer("html")(report_of(found)), namespaceHTMLElements=False)
    (link,) = page.iter("a")
    assert link.get("download") == "loss.a.csv"
    address = link.get("href")
    assert address.startswith("data:text/csv;charset=utf-8,")
    assert unquote(address.partition(",")[2]) == csv_of(found)


def test_the_csv_in_the_page_is_limited() -> None:
    rows = (ExampleRow(key=("x" * 10_000,) * 100, time=None, finding="", values=("y" * 10_000,)) for _ in range(10))
    assert len(unquote(csv_address(with_rows(*rows)))) < MOST_BYTES + 100
