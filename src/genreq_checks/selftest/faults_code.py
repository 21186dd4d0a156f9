"""Faults in the files beside the database: source code that was not cleaned up, migrations that do not agree."""

from __future__ import annotations

from genreq_checks.selftest.clean_files import DROPPED, DROPPED_AT, JOURNAL, MADE_AT, MIGRATIONS
from genreq_checks.selftest.fault import Place, by_edit, fault

DOWNLOAD_URL = 'ALTER TABLE "generation_requests" DROP COLUMN "download_url"'


def _not_in_the_journal(place: Place) -> None:
    file = place.folder / JOURNAL
    file.write_text(file.read_text("utf-8").replace(DROPPED, "0001_another"), "utf-8")


CODE = (
    fault(
        "the schema file still has downloadUrl",
        "after",
        by_edit("code/shared/schema.ts", "  githubUrl:", "  downloadUrl: text('download_url'),\n  githubUrl:"),
        "leftovers.download_url",
        "phases.schema",
    ),
    fault(
        "a route still creates rows with a conversation",
        "after",
        by_edit("code/server/generations.ts", "  });\n  res", "    conversation: null,\n  });\n  res"),
        "leftovers.conversation",
    ),
    fault(
        "the message has no flyio_url",
        "after",
        by_edit("code/container/protocol.py", "    flyio_url: Optional[str] = None\n", ""),
        "phases.protocol",
    ),
    fault(
        "the container does not pass the detected flyio_url on",
        "after",
        by_edit("code/container/client.py", "artifacts.flyio_url if artifacts else None", "None"),
        "phases.client",
    ),
    fault(
        "the server stores another field as deployment_url",
        "after",
        by_edit("code/server/wsi-server.ts", "msg.flyio_url", "msg.s3_url"),
        "phases.server",
    ),
    fault(
        "the migration was changed after it was applied",
        "after",
        by_edit(f"{MIGRATIONS}/{DROPPED}.sql", '"conversation"', '"conversation" RESTRICT'),
        warn="migrations",
    ),
    fault(
        "the migration begins with a byte-order mark",
        "before",
        by_edit(f"{MIGRATIONS}/{DROPPED}.sql", DOWNLOAD_URL, f"\ufeff{DOWNLOAD_URL}"),
        "migrations",
    ),
    fault(
        "the migration is not in the journal",
        "before",
        _not_in_the_journal,
        "migrations",
    ),
    fault(
        "the migration is older than the newest that is applied, and is skipped silently",
        "before",
        by_edit(JOURNAL, str(DROPPED_AT), str(MADE_AT - 1)),
        "migrations",
    ),
)
