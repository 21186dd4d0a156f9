"""States after the columns came back: with their values, without them, and half."""

from __future__ import annotations

from recording.inputs import drop, take_back
from recording.state import ARCHIVE, RESTORE, SNAPSHOT, URL, Call, State, rolled_back

VALUES = "UPDATE generation_requests SET conversation = '[1]' WHERE id IN (3, 9, 11);"
MEANWHILE = """
UPDATE generation_requests SET download_url = 'https://downloads.example/newer.zip' WHERE id = 1;
DELETE FROM generation_requests WHERE id IN (2, 10);
"""

ROLLED_BACK = (
    State(
        "rolled-back",
        "history",
        (
            VALUES,
            SNAPSHOT,
            ARCHIVE,
            drop,
            Call("restore-too-early", ("restore", "dropped.parquet", URL, "--yes")),
            take_back,
            rolled_back("check-empty"),
            Call("restore-unasked", ("restore", "dropped.parquet", URL)),
            RESTORE,
            rolled_back("check-restored"),
            Call("restore-again", ("restore", "dropped.parquet", URL, "--yes"), suffix="csv"),
        ),
    ),
    State(
        "rolled-back-and-changed",
        "history",
        (
            VALUES,
            SNAPSHOT,
            ARCHIVE,
            drop,
            take_back,
            MEANWHILE,
            RESTORE,
            rolled_back("check-restored"),
            Call("restore-overwrite", ("restore", "dropped.parquet", URL, "--yes", "--overwrite"), suffix="csv"),
            rolled_back("check-overwritten"),
            "TRUNCATE generation_requests CASCADE",
            Call("restore-into-nothing", ("restore", "dropped.parquet", URL, "--yes"), suffix="csv"),
        ),
    ),
    State(
        "rolled-back-with-another-type",
        "history",
        (
            SNAPSHOT,
            ARCHIVE,
            drop,
            "ALTER TABLE generation_requests ADD COLUMN download_url character varying(20);",
            rolled_back("check-rolled-back"),
            RESTORE,
        ),
    ),
)
