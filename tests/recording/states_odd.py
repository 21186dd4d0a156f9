"""States of another build: partitions, inheritance children, and a schema, table and columns with special names."""

from __future__ import annotations

from pathlib import Path

from recording.inputs import clean_up, drop, plan_in
from recording.state import ALL, ARCHIVE, CUTOVER, JSON, SNAPSHOT, URL, Call, Place, State, after, before, check, rows

PARTITIONS = """
ALTER TABLE generation_requests RENAME TO plain;
ALTER SEQUENCE generation_requests_id_seq OWNED BY NONE;
CREATE TABLE generation_requests (LIKE plain INCLUDING DEFAULTS, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE requests_2024 PARTITION OF generation_requests FOR VALUES FROM (MINVALUE) TO ('2024-12-01');
CREATE TABLE "requests later" PARTITION OF generation_requests DEFAULT;
INSERT INTO generation_requests SELECT * FROM plain;
DROP TABLE plain CASCADE;
"""
CHILDREN = """
CREATE TABLE "Old %requests" (download_url text) INHERITS (generation_requests);
CREATE TABLE young_requests () INHERITS (generation_requests);
INSERT INTO young_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url)
    SELECT user_id, app_name, prompt, initial_prompt, status, completed_at, github_url FROM generation_requests WHERE id < 40;
"""
PLAN = Path(__file__).with_name("odd_plan.toml")
SIXTY_THREE = "a column whose name has as many bytes as a name can have: 63..."
TABLE = f"""
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."My ""Table"" 50%" (
    "Key %one" integer, "k:2" text, "Sta tus" text, "At" timestamptz,
    "Git'Hub %s" text, "Arte""facts" text, "Down%load" text, "Con:versation" jsonb, "{SIXTY_THREE}" text,
    PRIMARY KEY ("Key %one", "k:2"));
INSERT INTO "Odd schema"."My ""Table"" 50%"
    SELECT n, 'k' || n % 3, CASE WHEN n % 5 = 0 THEN 'not done' ELSE 'it''s done' END,
        timestamptz '2025-01-01 00:00:00+00' + n * interval '6 hours', 'https://github.com/leo/app-' || n,
        CASE WHEN n > 60 THEN 'https://github.com/leo/app-' || n || '-artifacts' END,
        CASE WHEN n % 2 = 0 THEN 'https://a.example/' || n END, CASE WHEN n = 7 THEN '{{"a": "%s :x"}}'::jsonb END,
        CASE WHEN n % 7 = 0 THEN '%s' END
    FROM generate_series(1, 100) AS n;
"""
FAULT = """
UPDATE "Odd schema"."My ""Table"" 50%" SET "Arte""facts" = 'https://github.com/leo/other' WHERE "Key %one" = 81;
UPDATE "Odd schema"."My ""Table"" 50%" SET "Git'Hub %s" = 'null' WHERE "Key %one" = 82;
"""
ODD_PLAN = ("--plan", "odd_plan.toml")
ODD_CUTOVER = "2025-01-16"


def lay_plan(place: Place) -> None:
    """The plan with the odd names."""
    (place.folder / "odd_plan.toml").write_text(PLAN.read_text("utf-8"), "utf-8")


def _with_plan(call: Call) -> Call:
    arguments = tuple(ODD_CUTOVER if text == CUTOVER else text for text in call.arguments)
    return Call(call.name, (*arguments, *ODD_PLAN), call.formats, call.suffix)


def drop_odd(place: Place) -> None:
    """The SQL of the plan with special names, as in its file."""
    place.run(plan_in(PLAN).sql.forward)


def take_back_odd(place: Place) -> None:
    """The odd plan's own SQL for the way back."""
    place.run(plan_in(PLAN).sql.rollback)


ODD = (
    State(
        "partitions",
        "history",
        (
            PARTITIONS,
            SNAPSHOT,
            before(formats=JSON),
            ARCHIVE,
            clean_up,
            after(),
            'ALTER TABLE generation_requests DETACH PARTITION "requests later"',
            'ALTER TABLE "requests later" ADD COLUMN download_url text',
            check("check-after-detached", formats=JSON),
        ),
    ),
    State(
        "children",
        "history",
        (CHILDREN, SNAPSHOT, before(formats=JSON), ARCHIVE, drop, after(), *rows("population.github_url")),
    ),
    State(
        "odd-names",
        "nothing",
        (
            TABLE,
            lay_plan,
            _with_plan(SNAPSHOT),
            _with_plan(before(formats=JSON)),
            Call("rehearse", ("rehearse", URL, *ODD_PLAN), JSON, slow=True),
            _with_plan(ARCHIVE),
            *map(_with_plan, rows("loss.Down%load")),
            drop_odd,
            FAULT,
            _with_plan(after(formats=ALL)),
            *map(_with_plan, rows('derivation.Arte"facts')),
            take_back_odd,
            Call("restore", ("restore", "dropped.parquet", URL, "--yes", *ODD_PLAN), suffix="csv"),
            Call("list", ("list", *ODD_PLAN)),
        ),
    ),
)
