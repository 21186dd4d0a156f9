"""Soda Core: a data contract in YAML, verified by its command; the counts are read from what it prints."""

import json
import re
from pathlib import Path

from measures import Run
from peer.question import Answer, Peer, Question, require


def ask(folder: Path, question: Question) -> list[str]:
    place = {"host": question.socket, "port": question.port, "user": question.user, "password": ""}
    source = {"type": "postgres", "name": "bench", "connection": {**place, "database": question.database}}
    (folder / "source.yml").write_text(json.dumps(source))  # JSON is YAML
    (folder / "contract.yml").write_text(json.dumps(contract(question)))
    return ["soda", "contract", "verify", "-ds", str(folder / "source.yml"), "-c", str(folder / "contract.yml")]


def contract(question: Question) -> dict[str, object]:
    name = f"bench/{question.database}/public/generation_requests"
    if question.part == "gone":
        schema = {"schema": {"name": "gone", "allow_extra_columns": False, "allow_other_column_order": True}}
        return {"dataset": name, "columns": [{"name": column} for column in question.columns], "checks": [schema]}
    columns = [{"name": column, "checks": checks(question, column)} for column in question.patterns]
    rows = {"failed_rows": {"name": "derived", "expression": question.derivation}}
    everything = {"checks": [rows]} if question.part == "all" else {}
    return {"dataset": name, "filter": "status = 'completed'", "columns": columns, **everything}


def checks(question: Question, column: str) -> list[dict[str, object]]:
    most = {"metric": "percent", "must_be_less_than_or_equal": 100 - question.minimum}
    asked: list[dict[str, object]] = [{"missing": {"name": "rate", "threshold": most}}]
    if question.part == "all":
        valid = {"regex": question.patterns[column], "name": "url"}
        asked.append({"invalid": {"name": "form", "valid_format": valid}})
    return asked


def read(_: Path, done: Run) -> Answer:
    """From the rows of the printed table; a check's further rows hold nothing but more of its diagnostics."""
    require(done, 0, 1)
    passed, nulls, malformed, wrong = {}, {}, {}, None
    column = check = ""
    for line in done.output.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 5:
            continue
        column, check = cells[0] or column, cells[1] or check
        verdict = {"PASSED": True, "FAILED": False}.get(cells[3].rpartition(" ")[2])
        if verdict is not None and check in ("rate", "gone"):
            passed["gone" if check == "gone" else column] = verdict
        found = re.fullmatch(r"(missing|invalid|failed_rows)_count: (\d+)", cells[4])
        if found and (check, found[1]) == ("rate", "missing"):
            nulls[column] = int(found[2])
        elif found and (check, found[1]) == ("form", "invalid"):
            malformed[column] = int(found[2])
        elif found and (check, found[1]) == ("derived", "failed_rows"):
            wrong = int(found[2])
    return Answer(passed, nulls, malformed, wrong)


SODA = Peer(
    "Soda",
    ("soda-postgres==4.28.0",),
    ask,
    read,
    "data contract in YAML, `soda contract verify`",
    "built in",
    "own SQL expression",
    "rates per day: `group_by` in a check is ignored",
    {"SODA_CORE_TELEMETRY_ENABLED": "false", "COLUMNS": "250", "NO_COLOR": "1"},
)
