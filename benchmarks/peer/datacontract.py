"""datacontract-cli: quality checks in a contract of the Open Data Contract Standard, `--filter` for the completed rows."""

import json
from pathlib import Path

from measures import Run
from peer.question import Answer, Peer, Question, require


def ask(folder: Path, question: Question) -> list[str]:
    place = {"host": question.socket, "port": question.port, "database": question.database, "schema": "public"}
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "bench",
        "name": "bench",
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "bench", "type": "postgres", **place}],
        "schema": [table(question)],
    }
    (folder / "contract.yml").write_text(json.dumps(contract))  # JSON is YAML
    filtered = [] if question.part == "gone" else ["--filter", "status = 'completed'"]
    results = ["--output", str(folder / "results.json"), "--output-format", "json"]
    return ["datacontract", "test", str(folder / "contract.yml"), *filtered, *results]


def table(question: Question) -> dict[str, object]:
    columns = question.columns if question.part == "gone" else question.patterns
    found = {"name": "generation_requests", "physicalName": "generation_requests", "physicalType": "table"}
    properties = [{"name": column, **quality(question, column)} for column in columns]
    rules = {}
    if question.part == "all":
        where = f"status = 'completed' AND {question.derivation}"
        query = f"SELECT count(*) FROM generation_requests WHERE {where}"
        rules = {"quality": [{"type": "sql", "name": "derived", "query": query, "mustBe": 0}]}
    return {**found, "properties": properties, **rules}


def quality(question: Question, column: str) -> dict[str, object]:
    if question.part == "gone":
        return {}
    most = {"unit": "percent", "mustBeLessOrEqualTo": 100 - question.minimum}
    rules: list[dict[str, object]] = [{"type": "library", "metric": "nullValues", **most}]
    if question.part == "all":
        pattern = {"arguments": {"pattern": question.patterns[column]}, "mustBe": 0}
        rules.append({"type": "library", "metric": "invalidValues", **pattern})
    return {"logicalType": "string", "quality": rules}


def read(folder: Path, done: Run) -> Answer:
    require(done, 0, 1)
    passed, nulls, malformed, wrong = {}, {}, {}, None
    results = json.loads((folder / "results.json").read_text())
    for check in results["checks"]:
        kind, column, found = check["type"], check["field"], (check["diagnostics"] or {}).get("value")
        if check["result"] not in ("passed", "failed"):
            raise OSError(f"{check['name']}: {check['result']}")
        if kind == "field_null_values":
            passed[column], nulls[column] = check["result"] == "passed", found
        elif kind == "field_invalid_values":
            malformed[column] = found
        elif check["category"] == "quality":
            wrong = found if found is not None else check["result"] == "failed"
    if not passed:  # only the presence of columns was asked
        passed["gone"] = results["result"] == "passed"
    return Answer(passed, nulls, malformed, wrong)


DATACONTRACT = Peer(
    "datacontract-cli",
    ("datacontract-cli[postgres]==1.2.8",),
    ask,
    read,
    "quality checks of a contract, `--filter`",
    "built in",
    "own SQL",
    "rates per day: `nullValues` takes no group",
    {"DATACONTRACT_POSTGRES_USERNAME": "genreq", "DATACONTRACT_POSTGRES_PASSWORD": "none", "NO_COLOR": "1"},
)
