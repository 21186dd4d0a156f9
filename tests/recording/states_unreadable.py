"""States that cannot be read completely: no table, no rows, no privilege, no server."""

from __future__ import annotations

from recording.inputs import clean_up
from recording.state import ARCHIVE, JSON, SNAPSHOT, Call, Place, State, after, before, check, rows

RENAMED = "ALTER TABLE generation_requests RENAME TO requests;"
ELSEWHERE = """
CREATE SCHEMA archive; ALTER TABLE generation_requests SET SCHEMA archive;
CREATE TABLE "Generation_Requests" (id integer);
"""
VIEW = """
ALTER TABLE generation_requests RENAME TO requests;
CREATE VIEW generation_requests AS SELECT * FROM requests;
"""
OTHER_TIMES = """
UPDATE generation_requests SET completed_at = 'infinity' WHERE id = 601;
UPDATE generation_requests SET completed_at = '-infinity' WHERE id = 602;
UPDATE generation_requests SET completed_at = '0044-03-15 12:00 BC' WHERE id = 603;
UPDATE generation_requests SET completed_at = '20000-01-01' WHERE id = 604;
UPDATE generation_requests SET completed_at = NULL WHERE id BETWEEN 605 AND 620;
"""
NONE_COMPLETED = "UPDATE generation_requests SET status = 'failed' WHERE status = 'completed';"
COLUMNS = "id, status, completed_at, github_url, artifacts_github_url, deployment_url"


def hide_a_column(place: Place) -> None:
    """A role that may read some columns, and neither of those to be dropped."""
    place.become(
        f"ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY; GRANT SELECT ({COLUMNS}) ON generation_requests TO ROLE"
    )


def hide_the_table(place: Place) -> None:
    """A role that may read nothing."""
    place.run("ALTER TABLE generation_requests DISABLE ROW LEVEL SECURITY")
    place.become("GRANT USAGE ON SCHEMA public TO ROLE")


def hide_rows(place: Place) -> None:
    """A role that row level security shows no row."""
    place.become("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE; GRANT USAGE ON SCHEMA auth TO ROLE")


UNREADABLE = (
    State(
        "no-table", "history", (SNAPSHOT, RENAMED, before(formats=JSON), after(), *rows("loss.download_url"), ARCHIVE)
    ),
    State("no-table-another-schema", "history", (ELSEWHERE, before(formats=JSON), check("check-after"))),
    State("no-table-a-view", "history", (VIEW, before(formats=JSON), check("check-after"), ARCHIVE)),
    State("no-database", "nothing", (check("check-after"), before(formats=JSON), SNAPSHOT)),
    State(
        "no-privilege-on-columns",
        "history",
        (hide_a_column, before(), check("check-after", formats=JSON), SNAPSHOT, ARCHIVE),
    ),
    State("no-privilege", "history", (hide_the_table, before(), SNAPSHOT, ARCHIVE)),
    State(
        "row-level-security",
        "history",
        (hide_rows, before(), check("check-after", formats=JSON), *rows("loss.download_url"), SNAPSHOT, ARCHIVE),
    ),
    State("no-rows", "table", (SNAPSHOT, before(), ARCHIVE, check("check-after", formats=JSON))),
    State(
        "no-completed-rows",
        "history",
        (NONE_COMPLETED, before(formats=JSON), SNAPSHOT, clean_up, NONE_COMPLETED, after()),
    ),
    State("other-times", "history", (SNAPSHOT, clean_up, OTHER_TIMES, after())),
    State(
        "no-server",
        "nothing",
        (
            Call("check-another-database", ("check", "{absent}"), ("json", "junit")),
            Call("snapshot", ("snapshot", "{absent}", "--output", "before.json")),
            Call("archive", ("archive", "{absent}", "--output", "dropped.parquet")),
            Call("rows", ("rows", "loss.download_url", "{absent}")),
            Call("rehearse", ("rehearse", "{absent}"), JSON, slow=True),
        ),
    ),
)
