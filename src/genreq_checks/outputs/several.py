"""The reports of several plans as one output of a format: a part for each, one outcome for all. One report is as it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from genreq_checks.outputs.verdict import WORDS
from genreq_checks.report import Report, overall
from genreq_checks.text import line, plural

Render = Callable[[Report], str]
BODY = re.compile(r"(?s)(.*?<body[^>]*>)(.*)(</body>.*)")


def outcome(reports: Sequence[Report]) -> str:
    """The outcome of all: the worst of them."""
    counts = Counter(report.outcome for report in reports)
    return overall({name: counts[name] for name in ("pass", "warn", "fail", "unknown", "skip")})  # type: ignore[index]


def summary(reports: Sequence[Report]) -> str:
    """One line about all of them."""
    bad = [f"{one.plan.table} ({one.outcome})" for one in reports if one.outcome != "pass"]
    told = f": {', '.join(bad)}" if bad else ""
    return line(f"{WORDS[outcome(reports)]} of {plural(len(reports), 'plan')}{told}.")  # type: ignore[index]


def render_all(name: str, render: Render, reports: Sequence[Report]) -> str:
    """All reports in one text of a format."""
    if len(reports) == 1:
        return render(reports[0])
    return JOINED[name]([render(report) for report in reports], reports)


def _json(texts: Sequence[str], reports: Sequence[Report]) -> str:
    parts = ",\n".join(text.rstrip("\n") for text in texts)
    head = f'"schema_version": 1,\n"outcome": {json.dumps(outcome(reports))}'
    return f'{{\n{head},\n"reports": [\n{parts}\n]\n}}\n'


def _junit(texts: Sequence[str], reports: Sequence[Report]) -> str:
    """One root with a suite for each plan, named after its table."""
    roots = [ET.fromstring(text) for text in texts]  # noqa: S314 - made here
    numbers = {key: str(sum(int(root.get(key, 0)) for root in roots)) for key in ("tests", "failures", "errors")}
    joined = ET.Element("testsuites", numbers | {"name": "genreq-checks"})
    for root, report in zip(roots, reports, strict=True):
        for suite in root:
            suite.set("name", line(f"genreq-checks {report.plan.table}"))
            joined.append(suite)
    ET.indent(joined)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(joined, encoding="unicode") + "\n"


def _sarif(texts: Sequence[str], reports: Sequence[Report]) -> str:
    """One run for each plan; code scanning needs a category of its own for each."""
    logs = [json.loads(text) for text in texts]
    for log, report in zip(logs, reports, strict=True):
        for run in log["runs"]:
            run["automationDetails"] = {"id": line(f"genreq-checks/{report.plan.table}/")}
    return json.dumps(logs[0] | {"runs": [run for log in logs for run in log["runs"]]}, indent=2) + "\n"


def _html(texts: Sequence[str], reports: Sequence[Report]) -> str:
    """One page, with the body of each."""
    pages = [BODY.fullmatch(text) for text in texts]
    bodies = [page[2] for page in pages if page]
    first = pages[0]
    assert first is not None
    return f"{first[1]}{''.join(bodies)}{first[3]}"


def _text(texts: Sequence[str], reports: Sequence[Report]) -> str:
    return "\n".join((*texts, f"{summary(reports)}\n"))


def _markdown(texts: Sequence[str], reports: Sequence[Report]) -> str:
    return "\n".join((f"**{summary(reports)}**\n", *texts))


def _github(texts: Sequence[str], reports: Sequence[Report]) -> str:
    return "".join(texts)


JOINED: dict[str, Callable[[Sequence[str], Sequence[Report]], str]] = {
    "json": _json,
    "junit": _junit,
    "sarif": _sarif,
    "html": _html,
    "text": _text,
    "markdown": _markdown,
    "github": _github,
}
