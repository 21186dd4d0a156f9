"""The tools that are libraries: a script of this folder asks them, in the tool's environment, and prints one line of JSON."""

import json
from pathlib import Path

from measures import Run
from peer.question import Answer, Peer, Question, require


def ask_by(script: str):
    def ask(folder: Path, question: Question) -> list[str]:
        file = folder / "question.json"
        file.write_text(json.dumps(question.data()))
        return ["python", "-P", str(Path(__file__).with_name(script)), str(file)]  # -P: this folder hides no package

    return ask


def read(folder: Path, done: Run) -> Answer:
    require(done, 0)
    return Answer(**json.loads(done.output.splitlines()[-1]))


GREAT_EXPECTATIONS = Peer(
    "Great Expectations",
    ("great-expectations[postgresql]==1.24.1",),
    ask_by("ask_great_expectations.py"),
    read,
    "table asset of a PostgreSQL source, one suite, `mostly`, `row_condition`",
    "built in",
    "own SQL",
    "rates per day: its daily batches refuse a `timestamp` column",
    {"GX_ANALYTICS_ENABLED": "False"},
)
POINTBLANK = Peer(
    "Pointblank",
    ("pointblank==1.1.1", "ibis-framework[postgres]==12.0.0", "polars==2.1.0"),
    ask_by("ask_pointblank.py"),
    read,
    "`Validate` of an Ibis table, thresholds",
    "built in",
    "own expression",
    "rates per day in one pass: a segment is a step and a query",
)
PANDERA = Peer(
    "pandera",
    ("pandera[ibis]==0.35.0", "ibis-framework[postgres]==12.0.0"),
    ask_by("ask_pandera.py"),
    read,
    "`DataFrameSchema` of an Ibis table, lazy",
    "built in",
    "own expression",
    "a minimum share; rates per day: `groupby` fails on Ibis",
)
