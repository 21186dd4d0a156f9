"""Pointblank, asked on an Ibis table, so that the server counts."""

import json
import sys
from pathlib import Path

import ibis
import pointblank as pb

question = json.loads(Path(sys.argv[1]).read_text())
columns = list(question["patterns"])
place = {name: question[name] for name in ("user", "port", "database")}
requests = ibis.postgres.connect(host=question["socket"], password="", **place).table("generation_requests")
completed = requests.filter(requests.status == "completed")
most = pb.Thresholds(error=(100 - question["minimum"]) / 100)
if question["part"] == "gone":
    schema = pb.Schema(columns=question["columns"])
    asked = pb.Validate(requests, thresholds=1).col_schema_match(schema, complete=True)
else:
    asked = pb.Validate(completed, thresholds=most).col_vals_not_null(columns)
if question["part"] == "all":
    for column, pattern in question["patterns"].items():
        asked = asked.col_vals_regex(column, pattern, na_pass=True)
    # The derivation as an expression of Ibis; no value is not a wrong one.
    asked = asked.col_vals_expr(expr=lambda t: (t.artifacts_github_url == t.github_url + "-artifacts").fill_null(True))
asked = asked.interrogate(collect_extracts=False)
answer = {"passed": {}, "nulls": {}, "malformed": {}}
for step in asked.validation_info:
    if step.eval_error:
        raise SystemExit(f"{step.assertion_type} {step.column}: not evaluated")
    if step.assertion_type == "col_vals_not_null":
        answer["passed"][step.column] = not step.error
        answer["nulls"][step.column] = int(step.n_failed)
    elif step.assertion_type == "col_vals_regex":
        answer["malformed"][step.column] = int(step.n_failed)
    elif step.assertion_type == "col_vals_expr":
        answer["wrong"] = int(step.n_failed)
    else:
        answer["passed"]["gone"] = bool(step.all_passed)
print(json.dumps(answer))
