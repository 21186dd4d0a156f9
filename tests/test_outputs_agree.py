"""One real report, in every format: the same outcomes and the same numbers, and no finding is missing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import cmarkgfm
import html5lib
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from conftest import Server
from genreq_checks import checks, run
from genreq_checks.checks import url_shape
from genreq_checks.evidence.sides import Evidence
from genreq_checks.outputs.figures import rate_table
from genreq_checks.outputs.formats import MODULES, renderer
from genreq_checks.outputs.grid import counted
from genreq_checks.outputs.verdict import WORDS, headline, how_it_ran
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Finding, Report
from reports import mixed_report

FORMATS = tuple(MODULES)


def _raise(evidence: Evidence, subject: str) -> list[Finding]:
    raise ZeroDivisionError(f"hidden-detail {subject}")


def _cannot_tell(evidence: Evidence, subject: str) -> list[Finding]:
    return [Finding(subject="planted", outcome="unknown", message="Not judged: nothing to judge by in the orchard.")]


@pytest.fixture(scope="module")
def report(server: Server, leo_template: str) -> Iterator[Report]:
    """Some checks fail, warn, pass; one raises, one cannot judge, one is for another phase."""
    planted = {"subjects": lambda _: ("",), "title": "a planted check"}
    broken = replace(url_shape.CHECK, name="broken", judge=_raise, **planted)
    unjudged = replace(url_shape.CHECK, name="unjudged", judge=_cannot_tell, **planted)
    skipped = replace(url_shape.CHECK, name="skipped", phases=frozenset({"before"}), **planted)
    name = f"mixed_{uuid.uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        every = (broken, unjudged, skipped, *checks.all_checks())
        patch.setattr(checks, "all_checks", lambda: every)
        made = mixed_report(server.create_database(name, leo_template), load_plan())
    yield made
    server.drop_database(name)


def plain_text(name: str, report: Report) -> str:
    """What a reader of the format reads, in one line."""
    text = renderer(name)(report)
    if name == "html":
        text = " ".join(html5lib.parse(text, namespaceHTMLElements=False).find("body").itertext())
    elif name == "markdown":
        page = cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
        text = " ".join(html5lib.parse(page, namespaceHTMLElements=False).itertext()).replace("\u200b", "")
    elif name == "junit":
        tree = JUnitXml.fromstring(text.encode())
        text = " ".join([*tree._elem.itertext(), *(v for e in tree._elem.iter() for v in e.attrib.values())])
    elif name in ("json", "sarif"):
        text = " ".join(strings(json.loads(text)))
    elif name == "github":
        text = text.replace("%0A", " ").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    return " ".join(text.split())


def strings(value: object) -> Iterator[str]:
    """All names, texts and numbers in a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    else:
        yield str(value)


def test_the_report_has_one_of_everything(report: Report) -> None:
    assert all(report.counts[outcome] for outcome in ("pass", "warn", "fail", "unknown", "skip"))
    assert report.exit_code() == 1


@pytest.mark.parametrize("name", FORMATS)
def test_failed_broken_and_unjudged_are_in_every_format(report: Report, name: str) -> None:
    text = plain_text(name, report)
    for expected in (
        "public.generation_requests still has the column conversation (jsonb).",
        "the check itself failed (ZeroDivisionError).",
        "Not judged: nothing to judge by in the orchard.",
        "33.3 % (428 of 1,286) of the values after the cutover are not well-formed URL",
    ):
        assert expected in text, expected
    assert "hidden-detail" not in text


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_the_verdict_is_the_same_sentence(report: Report, name: str) -> None:
    assert headline(report) in plain_text(name, report)


@pytest.mark.parametrize("name", ["text", "markdown", "html", "junit", "sarif"])
def test_the_rates_are_the_same_in_every_format(report: Report, name: str) -> None:
    text = plain_text(name, report)
    assert [rate.rows for rate in report.rates] == [80, 3001, 1] * 3
    assert "99.9 %" in text
    if name != "text":  # the cells of a text table share lines
        for row in rate_table(report).rows:
            for big, small in row.cells:
                assert big in text
                assert small in text
    for rate in report.rates:
        assert f"{rate.populated:,} of {rate.rows:,}" in text


def test_json_has_the_exact_numbers(report: Report) -> None:
    data = json.loads(renderer("json")(report))
    assert data == json.loads(report.model_dump_json())
    after = next(rate for rate in data["rates"] if rate["column"] == "github_url" and rate["side"] == "after")
    assert {key: after[key] for key in ("rows", "populated", "null", "blank", "malformed")} == {
        "rows": 3001,
        "populated": 2998,
        "null": 3,
        "blank": 0,
        "malformed": 0,
    }


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("github", "sarif")])
def test_every_check_made_has_its_finding_in_every_format(report: Report, name: str) -> None:
    text = plain_text(name, report)
    for check in report.checks:
        folded = check.outcome in ("pass", "skip")
        if name == "text" and folded:  # one line a family
            assert check.id.partition(".")[0] in text
            assert check.outcome == "skip" or check.id.partition(".")[2] in text
            continue
        assert check.id in text
        if check.outcome == "skip" or (name == "markdown" and folded):
            continue
        for finding in check.findings:
            assert finding.message in text


def test_junit_counts_agree(report: Report) -> None:
    suite = next(iter(JUnitXml.fromstring(renderer("junit")(report).encode())))
    counts = report.counts
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
        len(report.checks),
        counts["fail"],
        counts["unknown"],
        counts["skip"],
    )
    kinds = {case.name: [type(result) for result in case.result] for case in suite}
    expected = {"fail": [Failure], "unknown": [Error], "skip": [Skipped], "warn": [], "pass": []}
    assert kinds == {check.id: expected[check.outcome] for check in report.checks}
    properties = {prop.name: prop.value for prop in suite.properties()}
    assert {outcome: int(properties[f"count:{outcome}"]) for outcome in counts} == counts
    warned = {name.removeprefix("outcome:") for name, value in properties.items() if value == "warn"}
    assert warned == {check.id for check in report.checks if check.outcome == "warn"}
    told = {case.name: case.system_out or "" for case in suite}
    assert all(told[name].startswith("warn\n") for name in warned)
    assert {case.result[0].type for case in suite if case.name == "broken"} == {"broken"}
    assert {case.result[0].type for case in suite if case.name == "unjudged"} == {"unknown"}


def test_sarif_counts_agree(report: Report) -> None:
    found = json.loads(renderer("sarif")(report))["runs"][0]
    assert found["properties"]["counts"] == report.counts
    outcomes = [result["properties"]["outcome"] for result in found["results"]]
    expected = [f.outcome for c in report.checks for f in c.findings if f.outcome in ("fail", "unknown", "warn")]
    assert sorted(outcomes) == sorted(expected)
    assert not found["invocations"][0]["executionSuccessful"]
    assert [note["level"] for note in found["invocations"][0]["toolExecutionNotifications"]] == ["error"]


def test_html_has_a_line_for_each_check_that_does_not_pass_and_folds_the_others(report: Report) -> None:
    page = html5lib.parse(renderer("html")(report), namespaceHTMLElements=False)
    table = next(t for t in page.iter("table") if "checks" in t.get("class", ""))
    rows = [
        [" ".join("".join(cell.itertext()).split()) for cell in row] for row in table.iter("tr") if row.get("class")
    ]
    open_ones = [check for check in report.checks if check.outcome in ("fail", "unknown", "warn")]
    assert len(rows) == len(open_ones)
    for check in open_ones:
        row = next(row for row in rows if row[1].startswith(check.id))
        assert row[0] == WORDS[check.outcome]
        assert how_it_ran(check) in row[1]
        assert row[2:5] == [counted(check).rows, counted(check).passed, counted(check).failed]
    ranks = [("FAIL", "UNKNOWN", "WARN").index(row[0]) for row in rows]
    assert ranks == sorted(ranks)
    folded = [" ".join("".join(e.itertext()).split()) for e in page.iter("details") if e.get("class") == "family"]
    for check in report.checks:
        if check.outcome in ("pass", "skip"):
            assert any(check.id in text for text in folded), check.id
    counts = next(e for e in page.iter("ul") if e.get("class") == "counts")
    assert [" ".join(item.itertext()) for item in counts] == [
        f"{report.counts[outcome]} {outcome}" for outcome in ("fail", "unknown", "warn", "pass", "skip")
    ]


def test_github_names_each_check_that_does_not_pass_worst_first(report: Report) -> None:
    lines = renderer("github")(report).splitlines()
    titles = [line.split("::")[1].split("title=")[1] for line in lines]
    ids = [check.id for check in report.checks if check.outcome in ("fail", "unknown", "warn")]
    assert sorted(title.split(" ")[1] for title in titles[1:]) == sorted(ids)
    ranks = [("FAIL", "UNKNOWN", "WARN").index(title.split(" ")[0]) for title in titles[1:]]
    assert all(one <= two for one, two in pairwise(ranks))


def test_the_notebook_shows_the_table_of_the_page(report: Report) -> None:
    def table(text: str) -> str:
        return text[
            text.index('<table role="table" class="stack checks"') : text.index("</table>", text.index("stack checks"))
        ]

    shown = report._repr_html_()
    assert table(shown) == table(renderer("html")(report))
    assert "<html" not in shown
    assert "<script" not in shown


def test_a_report_of_nothing_but_an_unreachable_database_says_so_once(empty_database: str, plan: Plan) -> None:
    report = run.check(plan, run.observe(plan, empty_database.replace("/empty_", "/gone_")))
    assert report.exit_code() == 3
    for name in FORMATS:
        assert "does not exist" in plain_text(name, report), name
    assert plain_text("text", report).count("does not exist") == 1
