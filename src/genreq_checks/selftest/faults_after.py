"""Faults after the drop: columns that are still there, values that are not, changed columns, broken leftovers."""

from __future__ import annotations

from genreq_checks.demo import complete_generations
from genreq_checks.generation_facts import load_facts
from genreq_checks.plan import load_plan
from genreq_checks.selftest.clean_files import DROPPED, GENERATION, MADE, PLAN, keep_books
from genreq_checks.selftest.fault import Place, by_edit, by_sql, fault

FUNCTION = """
CREATE FUNCTION "note_download"() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.error_message := NEW.download_url; RETURN NEW; END $$;
CREATE TRIGGER "note" BEFORE UPDATE ON "generation_requests" FOR EACH ROW EXECUTE FUNCTION "note_download"();
"""
OVER_THE_COHORT = (
    "population.github_url population.artifacts_github_url population.deployment_url derivation.artifacts_github_url "
    "url-shape.github_url url-shape.artifacts_github_url url-shape.deployment_url"
)
MEASURED = (
    f"{OVER_THE_COHORT} reconciliation.github_url reconciliation.artifacts_github_url reconciliation.deployment_url"
)
CATALOGUED = (
    "dropped.download_url dropped.conversation dependents.download_url dependents.conversation "
    "kept.github_url kept.artifacts_github_url kept.deployment_url"
)


MADE_ANEW = """
CREATE TABLE "anew" (LIKE "generation_requests" INCLUDING ALL);
INSERT INTO "anew" SELECT * FROM "generation_requests";
DROP TABLE "generation_requests" CASCADE;
ALTER TABLE "anew" RENAME TO "generation_requests";
"""


def _renamed(place: Place) -> None:
    by_sql(
        "ALTER TABLE generation_requests RENAME COLUMN download_url TO old_download",
        "ALTER TABLE generation_requests DROP COLUMN conversation",
    )(place)
    complete_generations(place.url)
    keep_books(place.url, load_plan(), [MADE, DROPPED])


def _github_url_not_stored(place: Place) -> None:
    file = place.folder / GENERATION
    facts = load_facts(file)
    github, *others = facts.copied
    lost = github.model_copy(update={"stored": "null", "changed": False})
    facts.model_copy(update={"copied": (lost, *others)}).save(file, replace=True)


# Rows 1 to 600 are from before the change, 601 to 760 from after it; row 650 has all three URLs.
AFTER = (
    fault(
        "download_url is still there",
        "after",
        by_sql("ALTER TABLE generation_requests ADD COLUMN download_url text"),
        "dropped.download_url",
        "migrations",
    ),
    fault(
        "conversation is still there",
        "after",
        by_sql("ALTER TABLE generation_requests ADD COLUMN conversation jsonb"),
        "dropped.conversation",
        "migrations",
    ),
    fault(
        "a child table that still has download_url",
        "after",
        by_sql("CREATE TABLE old_requests (download_url text) INHERITS (generation_requests)"),
        "dropped.download_url",
        unknown="reconciliation.github_url reconciliation.artifacts_github_url reconciliation.deployment_url",  # by key
    ),
    fault(
        "a column downloadUrl beside the dropped download_url",
        "after",
        by_sql('ALTER TABLE generation_requests ADD COLUMN "downloadUrl" text'),
        unknown="dropped.download_url",
    ),
    fault(
        "a download_url that was renamed and not dropped",
        "after",
        _renamed,
        "dropped.download_url",
        state="before",
    ),
    fault(
        "a table of the same name that was made anew",
        "after",
        by_sql(MADE_ANEW),
        unknown=(
            "identity population.github_url population.artifacts_github_url population.deployment_url "
            "loss.download_url loss.conversation"
        ),
    ),
    fault(
        "a trigger whose text still names download_url",
        "after",
        by_sql(FUNCTION),
        "dependents.download_url",
    ),
    fault(
        "a function whose text still names conversation",
        "after",
        by_sql(FUNCTION.replace("download_url", "conversation")),
        "dependents.conversation",
    ),
    fault(
        "github_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN github_url TYPE character varying(2000)"),
        "kept.github_url",
    ),
    fault(
        "artifacts_github_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN artifacts_github_url TYPE character varying(2000)"),
        "kept.artifacts_github_url",
    ),
    fault(
        "deployment_url with another type",
        "after",
        by_sql("ALTER TABLE generation_requests ALTER COLUMN deployment_url TYPE character varying(2000)"),
        "kept.deployment_url",
    ),
    fault(
        "a tenth of the new rows without github_url",
        "after",
        by_sql(
            "UPDATE generation_requests SET github_url = NULL, artifacts_github_url = NULL WHERE id > 600 AND id % 10 = 0"
        ),
        "population.github_url",
        "reconciliation.github_url",
        "reconciliation.artifacts_github_url",
    ),
    fault(
        "artifacts_github_url is not stored",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = NULL WHERE id > 600"),
        "population.artifacts_github_url",
        "derivation.artifacts_github_url",
        "reconciliation.artifacts_github_url",
        unknown="url-shape.artifacts_github_url",
    ),
    fault(
        "deployment_url is hardly ever stored",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = NULL WHERE id > 600 AND id % 30 <> 0"),
        "population.deployment_url",
        "reconciliation.deployment_url",
    ),
    fault(
        "one artifacts_github_url is missing",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = NULL WHERE id = 650"),
        "derivation.artifacts_github_url",
        "reconciliation.artifacts_github_url",
    ),
    fault(
        "one artifacts_github_url without its suffix",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = github_url WHERE id = 650"),
        "derivation.artifacts_github_url",
        "reconciliation.artifacts_github_url",
    ),
    fault(
        "one artifacts_github_url without a github_url",
        "after",
        by_sql("UPDATE generation_requests SET github_url = NULL WHERE id = 650"),
        "derivation.artifacts_github_url",
        "reconciliation.github_url",
    ),
    fault(
        "an old row with a token in github_url",
        "after",
        by_sql("UPDATE generation_requests SET github_url = 'https://ghp_0123456789@github.com/a/b' WHERE id = 4"),
        "url-shape.github_url",
    ),
    fault(
        "an old row with a password in artifacts_github_url",
        "after",
        by_sql("UPDATE generation_requests SET artifacts_github_url = 'https://u:p@github.com/a/b' WHERE id = 4"),
        "url-shape.artifacts_github_url",
    ),
    fault(
        "an old row with a password in deployment_url",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = 'https://u:p@a.fly.dev' WHERE id = 4"),
        "url-shape.deployment_url",
    ),
    fault(
        "a deployment_url that is the text undefined",
        "after",
        by_sql("UPDATE generation_requests SET deployment_url = 'undefined' WHERE id = 650"),
        "reconciliation.deployment_url",
        warn="url-shape.deployment_url",
    ),
    fault(
        "a generation whose github_url was not stored",
        "after",
        _github_url_not_stored,
        "generation",
    ),
    fault(
        "a table without rows",
        "after",
        by_sql("TRUNCATE generation_requests CASCADE"),
        unknown=MEASURED,
    ),
    fault(
        "a table of another name",
        "after",
        by_sql("ALTER TABLE generation_requests RENAME TO requests"),
        unknown=f"{MEASURED} {CATALOGUED}",
    ),
    fault(
        "a table that lost its primary key",
        "after",
        by_sql("ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE"),
        unknown="reconciliation.github_url reconciliation.artifacts_github_url reconciliation.deployment_url",
    ),
    fault(
        "a plan whose cohort has a value that the enum does not know",
        "after",
        by_edit(PLAN, 'values = ["completed"]', 'values = ["completed", "done"]'),
        unknown=OVER_THE_COHORT,
    ),
    fault(
        "a child on another server",
        "after",
        by_sql(
            "CREATE EXTENSION file_fdw; CREATE SERVER archive FOREIGN DATA WRAPPER file_fdw; "
            "CREATE FOREIGN TABLE older () INHERITS (generation_requests) "
            "SERVER archive OPTIONS (filename '/dev/null', format 'csv')"
        ),
        unknown="dropped.download_url dropped.conversation reconciliation.github_url reconciliation.artifacts_github_url "
        "reconciliation.deployment_url",
    ),
)
