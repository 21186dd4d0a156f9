"""The report as JSON: the contract, of which `genreq-checks schema` prints the JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from genreq_checks.results import Report


def render(report: Report) -> str:
    """The report as one JSON object, indented, ASCII only, so that no value can turn a terminal or a parser.

    What JSON has no word for (a rate that is no number) is null.
    """
    return json.dumps(json.loads(report.model_dump_json()), indent=2) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    made = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "genreq-checks report"}
