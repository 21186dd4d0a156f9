"""The report as JSON: a contract, whose JSON Schema `genreq-checks schema` prints."""

from __future__ import annotations

import json
from typing import Any

from genreq_checks.report import Report


def render(report: Report) -> str:
    """The report as one JSON object, indented, ASCII only, so that no value can affect a terminal or a parser.

    A rate that is not a number is null. The counts by day are many: each has one line.
    """
    data = json.loads(report.model_dump_json())
    text = json.dumps(data | {"daily": []}, indent=2) + "\n"
    days = ",\n".join(f"    {json.dumps(day)}" for day in data["daily"])
    empty = '\n  "daily": []'  # with this indent it is the report's own key: no string in JSON holds a newline
    return text.replace(empty, f"{empty[:-1]}\n{days}\n  ]", 1) if days else text


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    made = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "genreq-checks report"}
