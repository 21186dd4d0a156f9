"""The report as JUnit XML: a test case for each check, so that any CI distinguishes failed, broken and not judged.

fail is a failure, unknown an error, skip skipped; warn passes, with a property of the suite and its text in system-out.
Valid by Jenkins' schema, which has properties in suites only.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from genreq_checks.facts import Outcome
from genreq_checks.outputs.figures import provenance, rate_table
from genreq_checks.outputs.verdict import headline, is_broken
from genreq_checks.report import CheckResult, Report
from genreq_checks.text import line


def render(report: Report) -> str:
    """The report as one suite of test cases. Characters that XML cannot hold are replaced."""
    outcomes: list[Outcome] = [check.outcome for check in report.checks] + [step.outcome for step in report.steps]
    numbers = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("fail")),
        "errors": str(outcomes.count("unknown")),
    }
    root = ET.Element("testsuites", numbers | {"name": "genreq-checks"})
    skipped = {"name": "genreq-checks", "skipped": str(outcomes.count("skip"))}
    suite = ET.SubElement(root, "testsuite", numbers | skipped | _times(report))
    _properties(suite, report)
    for check in report.checks:
        _case(suite, check)
    for step in report.steps:
        case = ET.SubElement(
            suite,
            "testcase",
            {"name": line(step.name), "classname": "rehearsal", "time": f"{max(step.seconds, 0):.3f}"},
        )
        _say(case, step.outcome, "step", line(step.message), line(step.message))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _times(report: Report) -> dict[str, str]:
    source = report.sources.get("after")
    if source is None:
        return {}
    return {"timestamp": f"{source.read_at:%Y-%m-%dT%H:%M:%S}", "time": f"{max(source.seconds or 0.0, 0):.3f}"}


def _properties(suite: ET.Element, report: Report) -> None:
    """What test cases cannot hold: the verdict, each count, each rate, which cases passed with a warning, what was read."""
    found = [("outcome", report.outcome), ("headline", line(headline(report)))]
    found += [(f"count:{outcome}", str(count)) for outcome, count in report.counts.items()]
    found += [(f"outcome:{line(check.id)}", "warn") for check in report.checks if check.outcome == "warn"]
    table = rate_table(report)
    for row in table.rows:
        for heading, (big, small) in zip(table.headings, row.cells, strict=True):
            found.append((f"rate:{row.name}:{heading}", f"{big} ({small})" if small else big))
    found += [("provenance", text) for text in provenance(report)]
    properties = ET.SubElement(suite, "properties")
    for name, value in found:
        ET.SubElement(properties, "property", {"name": name, "value": value})


def _case(suite: ET.Element, check: CheckResult) -> None:
    name = line(check.id)
    case = ET.SubElement(suite, "testcase", {"name": name, "classname": name.split(".")[0], "time": "0"})
    lines = [line(check.title)]
    for finding in check.findings:
        lines.append(f"{finding.outcome}: {line(finding.subject)}: {line(finding.message)}")
        if finding.remedy and finding.outcome != "pass":
            lines.append(f"  -> {line(finding.remedy)}")
    if check.found > len(check.findings):
        lines.append(f"{len(check.findings):,} of {check.found:,} findings")
    first = next((line(f.message) for f in check.findings if f.outcome == check.outcome), line(check.title))
    _say(case, check.outcome, "broken" if is_broken(check) else check.outcome, first, "\n".join(lines))


def _say(case: ET.Element, outcome: Outcome, kind: str, first: str, text: str) -> None:
    tags: dict[Outcome, str] = {"fail": "failure", "unknown": "error", "skip": "skipped"}
    if outcome == "skip":
        ET.SubElement(case, "skipped").text = first
    elif outcome in tags:
        ET.SubElement(case, tags[outcome], {"message": first, "type": kind}).text = text
    else:
        ET.SubElement(case, "system-out").text = f"{outcome}\n{text}"
