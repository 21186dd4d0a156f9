"""# loss: values that are stored nowhere else

## Problem

DROP COLUMN is final: the rollback creates the column again, but empty. A test that inserts NULLs does not notice.

## What is measured

Every value with content in a dropped column, in rows in any status. NULL, blank, JSON null, `{}` and `[]` are not
content. Each value is one of:

- recoverable: the plan's reconstruction gives exactly this value, or the value follows, by the plan's claim, from
  another column in the same row
- archived: a verified archive of this table has the values. Before the drop it is compared with the table row by row.
  After the drop it must have as many values as the baseline, and be made after it (then its values were the table's at a
  later time), or the baseline must have the comparison (`snapshot SOURCE --archive FILE`); else the answer is unknown
- given up: the plan says so, with a reason; or the other column is populated in the same row, and the plan says why
  that is enough

Any other value fails, with two exceptions that warn: in the same row, the column that it is claimed to be redundant
with is malformed, or is populated but not compared.

After the drop the old values can no longer be read: the baseline (`--baseline`) is judged instead, and without one
the check is skipped. In phase `rolled-back` the number of values is compared with the baseline's: a column that
came back empty fails, and without a baseline the answer is unknown.

## How it can be wrong

Values are listed, archived and restored by the plan's key. Where the key is not a column, or no unique index proves
it, dropped values are `unknown`. They are also `unknown` where the plan names another type, or where its SQL does
not drop the column or does not bring it back (docs/plan.md, "The plan against the catalog"), and on a standby that
may be late. An unlogged table, or one that a subscription writes, warns: docs/standby.md.

Values written between the baseline (or the archive) and the drop are not in it: stop the writers first, and compare
the archive's number with the table's, as this check does. Where the plan says that presence is enough, nothing
proves it: those values are counted as given up, and are gone after the drop.

## What to do

List the keys (`genreq-checks rows loss.COLUMN SOURCE`). Archive the values
(`genreq-checks archive SOURCE -o FILE`), give a reconstruction in the plan, or give them up there:
`given_up = "reason"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import PLAN, by_edit, by_sql, fault, noticed
from genreq_checks.evidence.archived import why_elsewhere, why_not_archived, why_not_compared, why_stale
from genreq_checks.evidence.population import not_counted, not_in_baseline
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts import ArchiveFacts, Outcome
from genreq_checks.plan import Claim, Plan, Reconstruction
from genreq_checks.report import Finding
from genreq_checks.scan.selection import CONTENT, MALFORMED, NO_CONTENT, Pick, Selection, count_picked, uncompared
from genreq_checks.snapshot import Snapshot
from genreq_checks.tally import Tally
from genreq_checks.text import listed, plural

if TYPE_CHECKING:
    from genreq_checks.scan.facets import Columns, Facet


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Counts every row, in any status: in the source while the column exists, in the baseline when it is gone."""
    if evidence.phase == "rolled-back":
        return [_back(evidence, column)]
    now, baseline = evidence.now.tally, evidence.baseline
    if now is not None and now.has(column):
        return _by_key(evidence, _ledger(evidence, column, evidence.now, now))
    if evidence.phase == "before":
        return [unknown(column, str(evidence.side("all")) if now is None else not_counted(evidence, column, "all"))]
    if baseline is not None:
        if baseline.tally is None or not baseline.tally.has(column):
            return [unknown(column, not_in_baseline(baseline, column), _EARLIER)]
        return _by_key(evidence, _ledger(evidence, column, baseline, baseline.tally))
    if evidence.now.archive is not None:
        return [unknown(column, "whether the archive holds every value: there is no baseline to count by.", _EARLIER)]
    message = f"Not asked for: only a baseline shows what {column} held before the drop."
    return [Finding(subject=column, outcome="skip", message=message, remedy=_EARLIER)]


_EARLIER = "Give --baseline with a snapshot from before the drop."


def _by_key(evidence: Evidence, found: Finding) -> list[Finding]:
    """Rows are listed, archived and restored by the key: without one, no dropped value can provably be restored.

    After the drop this matters only where values depend on an archive. An archive proves the key too: it is written
    only when no two rows have the same key.
    """
    archive = evidence.now.archive
    proved = archive is not None and archive.verified and archive.key == evidence.plan.table.key
    if proved and not why_elsewhere(evidence, evidence.now):
        return [found]
    problem = next((one for one in evidence.contradictions if one.about == "key"), None)
    values = found.evidence.get("populated" if evidence.phase == "before" else "archived", 0)
    if problem is None or not values or found.outcome not in ("pass", "warn"):
        return [found]
    verb = "goes" if values == 1 else "go"
    why = f"{plural(values, 'value')} {verb}, to be listed, archived and restored by key, and {problem.problem}"
    doubt = unknown(found.subject, why, problem.remedy).model_copy(update={"evidence": found.evidence})
    return [doubt] if found.outcome == "pass" else [doubt, found]


def _ledger(evidence: Evidence, column: str, snapshot: Snapshot, tally: Tally) -> Finding:
    """Where else each value is stored: exactly one place for a value, in the order of the ledger."""
    selection, plan = rows(evidence.plan, column), evidence.plan
    missing = next((facet for facet in selection.facets if not tally.has(facet)), None)
    if missing is not None:
        name = _column_of(plan.dropped[column].reconstruction, missing)
        return unknown(column, not_counted(evidence, name, "before" if snapshot is evidence.baseline else "all"))
    counts = tally.count(column)
    content = sum(counts.get(label, 0) for label in CONTENT)
    alone = {pick.label: count_picked(tally, pick, plan) for pick in selection.picks}
    lost, doubtful = alone["nowhere else"], sum(alone.values()) - alone["nowhere else"]
    reason = _given_up_by_reason(plan, column)
    enough = count_picked(tally, reason, plan) if reason else 0
    numbers = {"rows": tally.total} | counts | {"populated": content, "recoverable": content - lost - doubtful - enough}
    empty = listed({label: n for label, n in counts.items() if label not in CONTENT})
    places = f"{plural(content, 'value')} in {plural(tally.total, 'row')} (no content: {empty})"
    where = f"{places}{_as_of(evidence, snapshot)}"
    if tally.total == 0:
        return unknown(column, f"{snapshot.plan_table} has no rows.", "Read the table that is in use.")
    numbers |= {"archived": 0, "given_up": enough, "lost": 0}
    archived = why_not_archived(evidence.now.archive, snapshot, column, tally.total - counts["null"])
    elsewhere = why_elsewhere(evidence, snapshot) if archived is True else ""
    doubt = elsewhere or (why_not_compared(evidence, column) if archived is True else "")
    if archived is True and not doubt:
        archived = why_stale(evidence.now.archive, column) or True
    if lost + doubtful == 0 and (not enough or archived is not True or doubt):
        if enough:
            return _finding(column, "pass", f"{enough:,} of {where} {_enough(plan.dropped[column].claim)}", numbers)
        message = f"Nothing would be lost: {where}; {_recoverable(evidence, column, content)}."
        return _finding(column, "pass", message, numbers)
    if archived is True:
        if doubt:
            newer = not elsewhere and evidence.phase == "after"
            return unknown(column, doubt, _NEWER_ARCHIVE if newer else _OF_THIS_DATABASE)
        only = lost + doubtful + enough
        message = (
            f"Nothing would be lost: {where}; {only:,} are only in the verified archive"
            f"{_taken(evidence.now.archive)}, which has as many values as were counted."
        )
        return _finding(column, "pass", message, numbers | {"archived": only, "given_up": 0})
    given_up = plan.dropped[column].given_up
    if given_up:
        message = f"{lost + doubtful:,} of {where} are given up by the plan: {given_up}"
        return _finding(column, "pass", message, numbers | {"given_up": enough + lost + doubtful})
    numbers |= {"lost": lost, "doubtful": doubtful}
    why = f" {archived}" if archived else ""
    doubts = " and ".join(_doubts(alone, plan.dropped[column].claim))
    if lost == 0:
        return _finding(column, "warn", f"{doubtful:,} of {where} may be lost: {doubts}.{why}", numbers, _look(column))
    more = f", and {doubts}" if doubtful else ""
    message = f"{lost:,} of {where} are stored nowhere else{more}: the drop would lose them.{why}"
    return _finding(column, "fail", message, numbers, _look(column))


def _doubts(alone: dict[str, int], claim: Claim | None) -> Iterator[str]:
    """The values that the other column may hold too, and why that is not proved."""
    if alone.get("beside a malformed one"):
        yield f"{alone['beside a malformed one']:,} in rows where the other value is malformed"
    if alone.get("not compared") and claim:
        yield f"{alone['not compared']:,} in rows with a populated {claim.column}, with which they are not compared"


def _enough(claim: Claim | None) -> str:
    assert claim is not None  # it gave the reason
    reason = f"the plan says why that is enough: {claim.presence_is_enough}"
    return f"are given up, each in a row with a populated {claim.column}; {reason}"


def _finding(column: str, outcome: Outcome, message: str, numbers: dict[str, int], remedy: str = "") -> Finding:
    return Finding(subject=column, outcome=outcome, message=message, remedy=remedy, evidence=numbers)


def _look(column: str) -> str:
    return (
        f"Their keys: genreq-checks rows loss.{column} SOURCE. Archive them (genreq-checks archive SOURCE -o FILE), "
        'or give them up in the plan (given_up = "reason").'
    )


def _recoverable(evidence: Evidence, column: str, content: int) -> str:
    gone = evidence.plan.dropped[column]
    if content == 0:
        return "there is nothing to lose"
    ways = [f"can be rebuilt from {gone.reconstruction.column}"] if gone.reconstruction else []
    if gone.claim and gone.claim.column and gone.claim.how is not None:
        ways.append(f"follows from {gone.claim.column}")
    return f"each {' or '.join(ways)}"


def _as_of(evidence: Evidence, snapshot: Snapshot) -> str:
    if snapshot is not evidence.baseline:
        return ""
    return f", as of the baseline of {snapshot.source.read_at:%Y-%m-%d %H:%M} UTC"


def _column_of(recipe: Reconstruction | None, facet: str) -> str:
    """The column that a facet lacks: for a reconstruction that was not counted, the column it reads."""
    return recipe.column if recipe and facet.startswith("rebuild.") else facet


_NEWER_ARCHIVE = (
    "Give an archive that was made after the baseline, or a baseline that has the comparison: "
    "genreq-checks snapshot SOURCE --archive FILE -o BASELINE."
)
_OF_THIS_DATABASE = "Give the archive and the URL of its database, or add --other-database if another one is intended."


def _taken(archive: ArchiveFacts | None) -> str:
    return f" of {archive.created_at:%Y-%m-%d %H:%M} UTC" if archive else ""


def _back(evidence: Evidence, column: str) -> Finding:
    """The column must have as many values as in the baseline. A column that came back empty is not the old state."""
    then = evidence.baseline.tally if evidence.baseline else None
    now = evidence.now.tally
    if then is None or not then.has(column):
        before = evidence.baseline
        reason = not_in_baseline(before, column) if before else f"what {column} held is not known."
        return unknown(column, f"whether its values are back: {reason}", _EARLIER)
    if now is None or not now.has(column):
        return unknown(column, str(evidence.side("all")) if now is None else not_counted(evidence, column, "all"))
    had, has = (tally.total - tally.count(column)["null"] for tally in (then, now))
    gone_rows = then.total - now.total
    numbers = {"rows": now.total} | now.count(column) | {"values_before": had, "values_now": has}
    archive = evidence.now.archive
    if archive is not None and archive.stale and archive.stale.get(column):
        message = f"{plural(archive.stale[column], 'row')} hold another value than the archive {archive.path}."
        return _finding(
            column, "fail", message, numbers, "Compare them: genreq-checks restore FILE URL lists conflicts."
        )
    measure = f"{plural(has, 'value')} that {'is' if has == 1 else 'are'} not NULL, {had:,} in the baseline"
    if has >= had:
        message = f"{measure}: as many as before. restore and a rehearsal compare each value."
        return _finding(column, "pass", message, numbers)
    given_up = evidence.plan.dropped[column].given_up
    if given_up:
        return _finding(column, "pass", f"{measure}; what is missing is given up by the plan: {given_up}", numbers)
    if had - has <= gone_rows:
        message = f"{measure}; there are {plural(gone_rows, 'row')} fewer than in the baseline, which may explain it."
        return _finding(
            column, "warn", message, numbers, "restore compares with the archive and lists the rows that are gone."
        )
    message = f"{had - has:,} values are not back: {measure}. A rollback creates the column empty."
    return _finding(column, "fail", message, numbers, "Put them back: genreq-checks restore FILE URL")


def rows(plan: Plan, column: str) -> Selection:
    """The rows whose value is not proved to be in another column: it is not rebuilt from one and does not follow from one."""
    gone = plan.dropped[column]
    needs = _not_rebuilt(plan, column)
    shown = [column, *([gone.reconstruction.column] if gone.reconstruction else [])]
    claim = gone.claim
    if claim is None or claim.column is None:
        return Selection((Pick("nowhere else", needs),), tuple(dict.fromkeys(shown)))
    columns = tuple(dict.fromkeys((*shown, claim.column)))
    if claim.how is not None:
        follows = {f"follows.{column}": frozenset(("other",))}
        return Selection((Pick("nowhere else", needs | follows),), columns)
    alone = Pick("nowhere else", needs | {claim.column: NO_CONTENT})
    return Selection((alone, *uncompared(claim, claim.column, needs)), columns)


def _given_up_by_reason(plan: Plan, column: str) -> Pick | None:
    """The rows whose value the plan calls redundant, with a reason why presence is enough; they do not count as lost."""
    claim = plan.dropped[column].claim
    if claim is None or claim.column is None or claim.presence_is_enough is None:
        return None
    return Pick("presence is enough", _not_rebuilt(plan, column) | {claim.column: CONTENT - MALFORMED})


def _not_rebuilt(plan: Plan, column: str) -> dict[str, frozenset[str]]:
    needs: dict[str, frozenset[str]] = {column: CONTENT}
    if plan.dropped[column].reconstruction:
        needs[f"rebuild.{column}"] = frozenset(("other",))
    return needs


def facets(plan: Plan, columns: Columns) -> Iterable[Facet]:
    """What the dropped columns and the columns that may replace them hold; whether a value is rebuilt, or follows."""
    from genreq_checks.scan.facets import comparisons_of, content_of, rebuild

    for column, gone in plan.dropped.items():
        other = gone.claim.column if gone.claim else None
        yield from content_of(plan, columns, (column, *([other] if other else [])))
        recipe = gone.reconstruction
        if recipe and column in columns and recipe.column in columns:
            yield rebuild(column, recipe.column, recipe.prefix, recipe.suffix)
    yield from comparisons_of(plan, columns, plan.dropped)


FAULTS = (
    fault(
        "a plan whose key is not a column",
        "before",
        by_edit(PLAN, 'key = ["id"]', 'key = ["ident"]'),
        unknown="loss.download_url",
    ),
    fault(
        "a plan whose key is not unique",
        "before",
        by_edit(PLAN, 'key = ["id"]', 'key = ["app_name"]'),
        unknown="loss.download_url",
    ),
    fault(
        "rollback SQL that does not bring a column back",
        "before",
        by_edit(PLAN, 'ADD COLUMN "conversation" JSONB', 'ADD COLUMN "talk" JSONB'),
        unknown="loss.conversation",
    ),
    fault(
        "download_url is back, and empty",
        "rolled-back",
        by_sql("UPDATE generation_requests SET download_url = NULL"),
        "loss.download_url",
    ),
    noticed("a download_url whose row has no github_url", "before", "loss.download_url"),
    noticed("a download_url that is not what by the plan follows from github_url", "before", "loss.download_url"),
    noticed("a plan that takes presence for proof, and does not say why", "before", warn="loss.download_url"),
    noticed("a conversation that was stored", "before", "loss.conversation"),
    noticed("a plan with another type than the table's", "before", unknown="loss.conversation"),
    noticed("forward SQL that does not drop a column that goes", "before", unknown="loss.conversation"),
    noticed("a child that defines a column itself and keeps it", "before", unknown="loss.download_url"),
    noticed("conversation is not back", "rolled-back", unknown="loss.conversation"),
)


CHECK = Check(
    name="loss",
    title="{subject}: values that are stored nowhere else",
    order=30,
    page=__doc__,
    phases=frozenset({"before", "after", "rolled-back"}),
    subjects=lambda plan: tuple(plan.dropped),
    judge=judge,
    facts=lambda _plan, _column: {"values", "baseline", "earlier values", "forward SQL", "rollback SQL"},
    facets=facets,
    rows=rows,
    faults=FAULTS,
)
