"""Great Expectations, asked as its documentation says for PostgreSQL: the server counts, the library judges."""

import json
import sys
from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.row_conditions import Column

question = json.loads(Path(sys.argv[1]).read_text())
columns = question["patterns"]
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = ProgressBarsConfig(globally=False)
url = "postgresql+psycopg2://{user}@localhost:{port}/{database}?host={socket}".format(**question)
source = context.data_sources.add_postgres("bench", connection_string=url)
batch = source.add_table_asset("requests", table_name="generation_requests").add_batch_definition_whole_table("all")
suite = context.suites.add(gx.ExpectationSuite(name="asked"))
completed = Column("status") == "completed"
if question["part"] == "gone":
    suite.add_expectation(gxe.ExpectTableColumnsToMatchSet(column_set=question["columns"], exact_match=True))
else:
    for column in columns:
        least = question["minimum"] / 100
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=least, row_condition=completed))
if question["part"] == "all":
    for column, pattern in columns.items():
        suite.add_expectation(gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, row_condition=completed))
    rows = f"SELECT id FROM {{batch}} WHERE status = 'completed' AND {question['derivation']}"
    suite.add_expectation(gxe.UnexpectedRowsExpectation(unexpected_rows_query=rows))
asked = context.validation_definitions.add(gx.ValidationDefinition(name="asked", data=batch, suite=suite))
answer = {"passed": {}, "nulls": {}, "malformed": {}}
for result in asked.run(result_format="BASIC").results:
    kind, column = result.expectation_config.type, result.expectation_config.kwargs.get("column")
    if result.exception_info.get("raised_exception"):
        raise SystemExit(f"{kind}: {result.exception_info.get('exception_message')}")
    if kind == "expect_column_values_to_not_be_null":
        answer["passed"][column] = result.success
        answer["nulls"][column] = result.result.get("unexpected_count") or 0
    elif kind == "expect_column_values_to_match_regex":
        answer["malformed"][column] = result.result.get("unexpected_count") or 0
    elif kind == "unexpected_rows_expectation":
        answer["wrong"] = result.result["observed_value"]
    else:
        answer["passed"]["gone"] = result.success
print(json.dumps(answer))
