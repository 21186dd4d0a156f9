"""dbt: `not_null` with `where` on a source, and singular tests of the user's own SQL; the counts are in its results file."""

import json
from pathlib import Path

from measures import Run
from peer.question import Answer, Peer, Question, require

FROM = "from {{ source('bench', 'generation_requests') }}"


def ask(folder: Path, question: Question) -> list[str]:
    project = {"name": "peer", "version": "1.0", "profile": "peer", "model-paths": ["models"], "test-paths": ["tests"]}
    flags = {"flags": {"send_anonymous_usage_stats": False}}
    place = {"host": question.socket, "port": question.port, "user": question.user, "password": "", "threads": 1}
    output = {"type": "postgres", **place, "dbname": question.database, "schema": "public"}
    write(folder / "dbt_project.yml", json.dumps(project | flags))
    write(folder / "profiles.yml", json.dumps({"peer": {"target": "bench", "outputs": {"bench": output}}}))
    most = f">{question.limit}"  # it takes a number of rows, not a share of them
    test = {"not_null": {"config": {"where": "status = 'completed'", "error_if": most, "warn_if": most}}}
    columns = [{"name": column, "data_tests": [test]} for column in question.patterns]
    table = {"name": "generation_requests", "columns": [] if question.part == "gone" else columns}
    sources = {"version": 2, "sources": [{"name": "bench", "schema": "public", "tables": [table]}]}
    write(folder / "models" / "sources.yml", json.dumps(sources))
    for name, query in singular(question).items():
        write(folder / "tests" / f"{name}.sql", query)
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--log-path", str(folder / "logs")]
    return ["dbt", "--quiet", "test", *places]


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def singular(question: Question) -> dict[str, str]:
    """Tests by SQL: for these there is no test in dbt itself."""
    if question.part == "all":
        found = {
            f"malformed_{column}": f"select id {FROM} where status = 'completed' and {column} !~ '{pattern}'"
            for column, pattern in question.patterns.items()
        }
        return found | {"wrong": f"select id {FROM} where status = 'completed' and {question.derivation}"}
    if question.part == "gone":
        known = ", ".join(f"'{column}'" for column in question.columns)
        which = f"table_name = 'generation_requests' and column_name not in ({known})"
        return {"gone": f"select column_name from information_schema.columns where {which}"}
    return {}


def read(folder: Path, done: Run) -> Answer:
    require(done, 0, 1)
    passed, nulls, malformed, wrong = {}, {}, {}, None
    for result in json.loads((folder / "target" / "run_results.json").read_text())["results"]:
        name, failures = result["unique_id"].split(".")[2], result["failures"]
        if result["status"] not in ("pass", "fail"):
            raise OSError(f"{name}: {result['status']}")
        if name.startswith("malformed_"):
            malformed[name.removeprefix("malformed_")] = failures
        elif name == "wrong":
            wrong = failures
        elif name == "gone":
            passed["gone"] = result["status"] == "pass"
        else:
            column = name.removeprefix("source_not_null_bench_generation_requests_")
            passed[column] = result["status"] == "pass"
            if not passed[column]:  # of a test that passes, its results file tells no number
                nulls[column] = failures
    return Answer(passed, nulls, malformed, wrong)


DBT = Peer(
    "dbt",
    ("dbt-core==1.11.2", "dbt-postgres==1.11.0"),
    ask,
    read,
    "`not_null` with `where` on a source, singular tests",
    "own SQL",
    "own SQL",
    "a minimum share: the limit is a number of rows; rates per day: `not_null` takes no group",
    {"DO_NOT_TRACK": "1"},
)
