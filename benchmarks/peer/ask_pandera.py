"""pandera, asked on an Ibis table, so that the server counts; it has no minimum share, so the check is an expression."""

import json
import sys
from pathlib import Path

import ibis
import pandera.ibis as pa
from pandera.errors import SchemaErrors

question = json.loads(Path(sys.argv[1]).read_text())
place = {name: question[name] for name in ("user", "port", "database")}
requests = ibis.postgres.connect(host=question["socket"], password="", **place).table("generation_requests")
completed = requests.filter(requests.status == "completed")
most = (100 - question["minimum"]) / 100
part = question["part"]


def checks(column: str, pattern: str) -> list[pa.Check]:
    enough = pa.Check(lambda data: data.table[data.key].isnull().mean() <= most, name="enough")
    return [enough, pa.Check.str_matches(pattern)] if part == "all" else [enough]


def derived(data: pa.IbisData):
    return (data.table.artifacts_github_url == data.table.github_url + "-artifacts").fill_null(True)


columns = {
    name: pa.Column(str, nullable=True, checks=checks(name, rule)) for name, rule in question["patterns"].items()
}
schema = pa.DataFrameSchema(columns, checks=[pa.Check(derived, name="derived")] if part == "all" else [])
table = completed
if part == "gone":
    schema, table = (
        pa.DataFrameSchema({name: pa.Column(nullable=True) for name in question["columns"]}, strict=True),
        requests,
    )
failed = set()  # the column, and the name of the check
try:
    schema.validate(table, lazy=True)
except SchemaErrors as error:
    failed = {(found.schema.name, getattr(found.check, "name", found.check)) for found in error.schema_errors}
answer = {"passed": {"gone": not failed}}
if part != "gone":
    answer = {"passed": {name: (name, "enough") not in failed for name in columns}}
if part == "all":
    answer["malformed"] = {name: (name, "str_matches") in failed for name in columns}
    answer["wrong"] = (None, "derived") in failed
print(json.dumps(answer))
