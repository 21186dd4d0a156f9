"""Each format is valid by a parser that is not ours, also when every text in the report is hostile."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import cmarkgfm
import html5lib
import jsonschema
import pytest
from junitparser import JUnitXml
from lxml import etree

from genreq_checks.outputs.formats import MODULES, renderer
from genreq_checks.outputs.html import POLICY
from genreq_checks.outputs.json import schema
from genreq_checks.outputs.markdown import LIMIT
from genreq_checks.report import Finding, Report, Tool
from genreq_checks.text import line
from npm import node, published
from published import ACTIONS, JENKINS_XSD, SARIF_SCHEMA
from reports import HOSTILE, hostile_report

ROOT = Path(__file__).parents[1]
CASES = list(HOSTILE)
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
UNSAFE = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE


@pytest.fixture(params=CASES)
def hostile(request: pytest.FixtureRequest) -> Report:
    return hostile_report(HOSTILE[request.param])


@pytest.fixture(scope="module")
def jenkins() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(published(*JENKINS_XSD)))


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(published(*SARIF_SCHEMA).read_text("utf-8"))
    return found


def test_no_output_controls_a_terminal_or_changes_a_direction(hostile: Report) -> None:
    for name in MODULES:
        text = renderer(name)(hostile)
        assert not STEERING.search(text), name
        text.encode("utf-8")


def test_a_megabyte_in_each_field_stays_readable() -> None:
    for case in ("long", "long markup"):
        report = hostile_report(HOSTILE[case])
        for name in MODULES:
            if name != "json":
                assert len(renderer(name)(report)) < 2_000_000, name


def test_text_fits_its_width_and_starts_no_workflow_command(hostile: Report) -> None:
    from rich.cells import cell_len

    from genreq_checks.outputs.text import COMMAND

    for width in (40, 80, 120):
        text = renderer("text")(hostile) if width == 80 else _text(hostile, width)
        whole = {f"    {line(check.command)}" for check in hostile.checks if check.command}  # not broken, to be copied
        kept = {COMMAND.sub(lambda found: f"{found[0]} ", command).rstrip() for command in whole}
        assert max(cell_len(row) for row in text.split("\n") if row not in kept) <= width + 1
        assert not re.search(r"^\s*::", text, re.MULTILINE)
        assert "##[" not in text


def _text(report: Report, width: int) -> str:
    from genreq_checks.outputs.text import render

    return render(report, width)


def test_text_in_colour_says_the_same() -> None:
    from genreq_checks.outputs.text import render

    report = hostile_report("plain")
    coloured = render(report, colour=True)
    assert "\x1b[" in coloured
    assert "\n".join(row.rstrip() for row in re.sub(r"\x1b\[[0-9;]*m", "", coloured).split("\n")) == render(report)


def test_junit_is_valid_by_jenkins_schema_and_junitparser(hostile: Report, jenkins: etree.XMLSchema) -> None:
    text = renderer("junit")(hostile).encode()
    jenkins.assertValid(etree.fromstring(text, etree.XMLParser(huge_tree=True)))
    (suite,) = JUnitXml.fromstring(text)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 2, 1, 1)
    assert len(list(suite)) == 6


def test_sarif_is_valid_by_the_published_schema(hostile: Report, sarif_schema: dict[str, Any]) -> None:
    log = json.loads(renderer("sarif")(hostile))
    jsonschema.Draft4Validator(sarif_schema).validate(log)
    assert len(log["runs"][0]["results"]) == 7  # two findings each of fail, unknown and warn, and a step


@pytest.mark.parametrize(
    ("check", "subject", "evidence", "uri", "line"),
    [
        (
            "leftovers.download_url",
            "server/routes/a b.ts:42",
            {"file": "server/routes/a b.ts", "line": 42},
            "server/routes/a%20b.ts",
            42,
        ),
        ("migrations", "0007_drop", {"file": "drizzle/0007_drop.sql", "line": 3}, "drizzle/0007_drop.sql", 3),
        ("migrations", "0007_drop", {"file": "/srv/é.sql"}, "file:///srv/%C3%A9.sql", None),
        ("dependents.download_url", "public.f(x):1", {}, None, None),
        ("leftovers.x", "src/a.ts:1", {}, None, None),
    ],
)
def test_sarif_and_annotations_point_to_file_and_line(
    check: str, subject: str, evidence: dict[str, Any], uri: str | None, line: int | None, sarif_schema: dict[str, Any]
) -> None:
    finding = Finding(subject=subject, outcome="fail", message="m", evidence=evidence)
    whole = hostile_report("x")
    one = whole.checks[0].model_copy(update={"id": check, "findings": (finding,), "found": 1})
    report = whole.model_copy(update={"checks": (one,), "steps": ()})
    log = json.loads(renderer("sarif")(report))
    jsonschema.Draft4Validator(sarif_schema).validate(log)
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0].get("physicalLocation", {})
    assert place.get("artifactLocation", {}).get("uri") == uri
    assert place.get("region", {}).get("startLine") == line
    annotation = renderer("github")(report).splitlines()[1]
    assert (",file=" in annotation) == (uri is not None)
    assert (f",line={line}:" in annotation) == (line is not None)


def test_json_is_valid_by_its_committed_schema(hostile: Report) -> None:
    committed = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    text = renderer("json")(hostile)
    jsonschema.Draft202012Validator(committed).validate(json.loads(text))
    assert text.isascii()
    assert Report.model_validate_json(text) == hostile


def test_the_committed_schema_is_current_and_rejects_other_json() -> None:
    committed = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    assert committed == schema(), "run: genreq-checks schema > docs/report.schema.json"
    jsonschema.Draft202012Validator.check_schema(committed)
    data = json.loads(renderer("json")(hostile_report("x")))
    for change in ({"outcome": "fine"}, {"schema_version": 2}, {"extra": 1}, {"checks": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | change, committed)


def test_json_has_null_for_a_value_that_is_not_a_number() -> None:
    report = hostile_report("x")
    finding = report.checks[0].findings[0].model_copy(update={"evidence": {"n": float("nan")}})
    broken = report.checks[0].model_copy(update={"findings": (finding,)})
    text = renderer("json")(report.model_copy(update={"checks": (broken,)}))
    assert json.loads(text, parse_constant=pytest.fail)["checks"][0]["findings"][0]["evidence"] == {"n": None}


def test_markdown_tables_are_complete_and_no_value_becomes_markup(hostile: Report) -> None:
    calm = _shape(renderer("markdown")(hostile_report("calm")))
    assert _shape(renderer("markdown")(hostile)) == calm


def test_markdown_cells_say_what_the_values_say(hostile: Report) -> None:
    page = cmarkgfm.github_flavored_markdown_to_html(renderer("markdown")(hostile), UNSAFE)
    table = next(iter(html5lib.parse(page, namespaceHTMLElements=False).iter("tbody")))
    cells = [" ".join("".join(cell.itertext()).replace("\u200b", "").split()) for cell in table[0]]
    value = hostile.plan.title
    expected = [" ".join(line(text).replace("\u200b", "").split()) for text in (f"{value}.fail", value, value)]
    assert cells == ["✗ FAIL", expected[0], "3", "1", "2", *expected[1:]]


def _shape(text: str) -> list[str]:
    """The elements that GitHub's own parser makes of Markdown, in order, without those for empty cells' sake."""
    assert len(text.encode()) <= LIMIT
    page = cmarkgfm.github_flavored_markdown_to_html(text, UNSAFE)
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return [str(element.tag) for element in tree.iter()]


def test_markdown_has_no_mentions_and_no_references() -> None:
    text = renderer("markdown")(hostile_report(HOSTILE["links"]))
    assert not re.search(r"@\w|#\d|://|www\.e", text)


@pytest.mark.parametrize("limit", [100, 400, 1_000, 5_000, 20_000, LIMIT])
def test_markdown_is_cut_between_lines_and_keeps_the_counts(limit: int) -> None:
    report = hostile_report("word " * 300)
    many = report.checks[0].model_copy(update={"findings": report.checks[0].findings * 50, "found": 4120})
    text = renderer_with_limit(report.model_copy(update={"checks": (many,) * 40, "requirements": ()}), limit)
    assert len(text.encode()) <= limit
    tree = html5lib.parse(cmarkgfm.github_flavored_markdown_to_html(text, UNSAFE), namespaceHTMLElements=False)
    assert all(len(row) in (3, 4, 5, 6, 7) for row in tree.iter("tr"))
    assert text.count("<details>") == text.count("</details>")
    if limit >= 5_000:
        assert "40 checks: 1 fail, 1 unknown, 1 warn, 1 pass, 1 skip" in text
        assert "more lines do not fit here" in text


def renderer_with_limit(report: Report, limit: int) -> str:
    from genreq_checks.outputs.markdown import render

    return render(report, limit)


def test_html_parses_without_an_error_and_holds_no_script_or_address(hostile: Report) -> None:
    text = renderer("html")(hostile)
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    tags = {str(element.tag).rpartition("}")[2] for element in tree.iter()}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base"}
    for element in tree.iter():
        assert not [name for name in element.attrib if name.startswith("on")]
        assert element.get("src") is None
        address = element.get("href")
        assert address in (None, "data:,") or (element.tag == "a" and address.startswith("data:text/csv;"))
        assert element.tag != "a" or element.get("download")
    assert POLICY in text
    if hostile.plan.title:  # without any text there are fewer lists
        calm = html5lib.parse(renderer("html")(hostile_report("calm")), namespaceHTMLElements=False)
        assert [e.tag for e in tree.iter()] == [e.tag for e in calm.iter()]


def test_html_masks_the_values_in_evidence() -> None:
    report = hostile_report("x")
    secret = "https://user:hunter2@github.com/leo/private?token=ghp_x"
    finding = report.checks[0].findings[0].model_copy(update={"evidence": {"actual": secret, "samples": [secret] * 9}})
    one = report.checks[0].model_copy(update={"findings": (finding,)})
    text = renderer("html")(report.model_copy(update={"checks": (one,)}))
    assert "https://github.com/***" in text
    assert "5 of 9" in text
    for part in ("hunter2", "private", "ghp_x", "user:"):
        assert part not in text


@pytest.mark.node
def test_annotations_are_escaped_as_githubs_own_toolkit_does(hostile: Report) -> None:
    """Each annotation, read back by the runner's documented rules, is what the toolkit writes for the same values."""
    lines = renderer("github")(hostile).splitlines()
    assert all(re.match(r"::(error|warning|notice) title=", line) for line in lines)
    wanted: list[dict[str, Any]] = []
    for written in lines:
        command, _, message = written.removeprefix("::").partition("::")
        level, _, rest = command.partition(" ")
        properties = {k: _back(v, property_=True) for k, _, v in (pair.partition("=") for pair in rest.split(","))}
        wanted.append({"level": level, "properties": properties, "message": _back(message)})
    program = (
        f"const {{issueCommand}} = require({json.dumps(str(published(*ACTIONS)))});"
        "for (const c of JSON.parse(require('fs').readFileSync(0, 'utf8'))) issueCommand(c.level, c.properties, c.message);"
    )
    told = subprocess.run(
        [node(), "-e", program], input=json.dumps(wanted).encode(), capture_output=True, timeout=60, check=True
    )
    assert told.stdout.decode().splitlines() == lines


def _back(text: str, property_: bool = False) -> str:
    if property_:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_annotations_are_at_most_ten_of_a_level_and_name_the_rest() -> None:
    report = hostile_report("x")
    many = tuple(report.checks[0].model_copy(update={"id": f"dropped.c{i}"}) for i in range(25))
    lines = renderer("github")(
        report.model_copy(update={"checks": many, "steps": (), "tool": Tool(version="1")})
    ).splitlines()
    assert len([line for line in lines if line.startswith("::error ")]) == 10
    for number in range(25):
        assert f"dropped.c{number}" in "".join(lines)
