"""# values: the baseline's rows still hold their values

## Problem

A rate counts values and does not compare them: every URL can be overwritten by one and the same, and no rate falls. After
a rollback every value can be wrong where the counts are right.

## What is measured

For each UTC day of the cohort's rows, until the newest time that the baseline has (where the plan has no time, for each of 256
blocks of the key's hash): how many values are not NULL, and the XOR
of their 64-bit hashes, each seeded with the hash of its row's key. Equal sums are the same values in the same rows. In days
with the same rows, fewer values are values that are lost, and as many values with another sum are values that were changed.

## How it can be wrong

In a day with more values one cannot tell a back-fill from a back-fill beside a loss: that is `unknown`. It fails where the
plan says that the column is `stable`, and for a dropped column after the rollback. Days whose rows are not the same (see
`rows`) are `unknown`. A baseline without fingerprints, or without this column's (`--no-values`), proves nothing: `unknown`.

## What to do

Find what changes old rows, and restore the values from an archive or a backup. What is meant stands in the plan:
`may_change = "reason"` in `[kept.COLUMN]`.
"""

from __future__ import annotations

from genreq_checks.checks.check import Check, unknown
from genreq_checks.checks.fault import by_sql, fault, noticed
from genreq_checks.evidence.content import (
    NO_BASELINE,
    Content,
    ValueChanges,
    blocks,
    content,
    exact_changes,
    range_values,
    value_changes,
)
from genreq_checks.evidence.sides import Evidence
from genreq_checks.facts.row_changes import RowChanges
from genreq_checks.plan import Plan
from genreq_checks.report import Finding
from genreq_checks.text import listed, plural


def subjects(plan: Plan) -> tuple[str, ...]:
    """Every column of the plan: those that go are compared as long as they are there, and when they are back."""
    return (*plan.kept, *plan.dropped)


def judge(evidence: Evidence, column: str) -> list[Finding]:
    """Equal sums pass; a loss that is proved fails; anything else is unknown, unless the plan allows or forbids it."""
    found = content(evidence)
    if found == NO_BASELINE:
        return [Finding(subject=column, outcome="skip", message=f"Not compared: {found}")]
    if column in evidence.plan.dropped and evidence.phase == "after":
        return [Finding(subject=column, outcome="skip", message="Not compared: the plan drops the column.")]
    if column in evidence.plan.dropped and evidence.phase == "held":
        return [Finding(subject=column, outcome="skip", message=f"Compared by held.{column}.")]
    judged = _in_cohort(evidence, column, found)
    if judged.outcome == "pass" and column in evidence.plan.dropped and evidence.phase == "rolled-back":
        return [_everywhere(evidence, column, found, judged)]
    return [judged]


def held_values(evidence: Evidence, column: str) -> Finding:
    """Are all values of a column that is renamed away as the baseline has them? By fingerprints: row hashes have its old name."""
    found = content(evidence)
    judged = _by_fingerprints(evidence, column, found)
    return _everywhere(evidence, column, found, judged) if judged.outcome == "pass" else judged


def _in_cohort(evidence: Evidence, column: str, found: Content | str) -> Finding:
    """The values of the cohort's rows, one by one where there are row hashes."""
    exact = exact_changes(evidence)
    if isinstance(exact, str):
        return unknown(column, exact, "Name the file that was written with the baseline: --row-hashes FILE")
    if exact is not None and column in exact.columns and exact.then:
        return _exact(evidence, column, exact)
    return _by_fingerprints(evidence, column, found)


def _by_fingerprints(evidence: Evidence, column: str, found: Content | str) -> Finding:
    if isinstance(found, str):
        return unknown(column, found, "Take the next baseline with this version: genreq-checks snapshot SOURCE -o FILE")
    if column not in found.then.columns:
        return unknown(column, "the baseline was read without the values of this column.")
    if column not in found.now.columns:
        return unknown(column, f"{evidence.now.source.location} has no column {column} that can be read.")
    if not found.pairs or not found.total[0].rows:
        return unknown(column, f"the baseline had no {evidence.plan.cohort.rows} to compare.")
    return _compared(evidence, column, found, value_changes(found, column))


def _everywhere(evidence: Evidence, column: str, found: Content | str, judged: Finding) -> Finding:
    """A dropped column's values count in rows of every status: those of the other rows by an archive or the range of keys."""
    if _is_archived(evidence, column):
        return judged.model_copy(update={"message": f"{judged.message} Every row has the archive's value."})
    tally = evidence.baseline.tally if evidence.baseline else None
    held = tally.filled(column) if tally is not None and tally.has(column) else None
    if not isinstance(found, str) and column in found.then.columns:
        inside = found.total[0].values[found.then.columns.index(column)].present if found.pairs else 0
        ranges = range_values(found, column)
        if held == inside or (ranges is not None and ranges[0] == ranges[1]):
            return judged
        if ranges is not None and ranges[1].present < ranges[0].present:
            then, now = (one.present for one in ranges)
            message = f"{then - now:,} of {plural(then, 'value')} in rows of every status are gone."
            return judged.model_copy(update={"outcome": "fail", "message": message, "remedy": _RESTORE})
    reason = f"the values of rows that are no {evidence.plan.cohort.rows} were not compared, or are not the same."
    return unknown(column, reason, "Give the archive, with which every row is compared: --archive FILE")


def _is_archived(evidence: Evidence, column: str) -> bool:
    """Does the table have every value of an archive that has as many as the baseline, and no other?"""
    archive, then, now = (
        evidence.now.archive,
        evidence.baseline.tally if evidence.baseline else None,
        evidence.now.tally,
    )
    if archive is None or not archive.verified or archive.stale is None or archive.stale.get(column) != 0:
        return False
    if then is None or now is None or not then.has(column) or not now.has(column) or column not in archive.columns:
        return False
    return then.filled(column) <= archive.columns[column].values == now.filled(column)


def _exact(evidence: Evidence, column: str, changes: RowChanges) -> Finding:
    kept, one = evidence.plan.kept.get(column), changes.columns[column]
    common = changes.then - changes.gone
    rows = plural(common, evidence.plan.cohort.row, evidence.plan.cohort.rows)
    numbers = {"rows": common, "changed": one.changed, "backfilled": one.backfilled, "cleared": one.cleared}
    if not (one.changed or one.backfilled or one.cleared):
        return Finding(subject=column, outcome="pass", message=f"No value of {rows} changed.", evidence=numbers)
    counts = {"changed": one.changed, "cleared": one.cleared, "filled where there was none": one.backfilled}
    message = f"Of {rows}: {listed(counts)}."
    if kept is not None and kept.may_change is not None:
        message += f" The plan lets values change: {kept.may_change}"
        return Finding(subject=column, outcome="pass", message=message, evidence=numbers)
    must_be_same = kept.stable if kept is not None else evidence.phase in ("held", "rolled-back")
    lost = one.changed + one.cleared
    if lost > one.in_left or must_be_same:
        remedy = (
            f"List their keys: genreq-checks rows values.{column} SOURCE --row-hashes FILE. "
            "Restore the values from a backup."
        )
        return Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=numbers)
    if lost:  # a row that is completed again may get other values, and nothing tells whether it was that
        message += f" {lost:,} of these are in rows with another status or a later time by now."
        remedy = f"List their keys: genreq-checks rows values.{column} SOURCE --row-hashes FILE."
        return Finding(subject=column, outcome="warn", message=message, remedy=remedy, evidence=numbers)
    reason = kept and (kept.may_gain or kept.backfilled)
    if reason:
        message += f" The plan lets it gain values: {reason}"
        return Finding(subject=column, outcome="pass", message=message, evidence=numbers)
    remedy = f"If that is intended, the plan says so: may_gain in [kept.{column}]."
    return Finding(subject=column, outcome="warn", message=message, remedy=remedy, evidence=numbers)


def _compared(evidence: Evidence, column: str, found: Content, changes: ValueChanges) -> Finding:
    kept = evidence.plan.kept.get(column)
    then = found.total[0]
    values = then.values[found.then.columns.index(column)].present
    numbers = {
        "rows": then.rows,
        "values": values,
        "cleared": changes.lost,
        "blocks": changes.changed + changes.gained + changes.unsure,
    }
    if changes.same:
        message = f"No value of {plural(then.rows, evidence.plan.cohort.row, evidence.plan.cohort.rows)} changed."
        return Finding(subject=column, outcome="pass", message=message, evidence=numbers)
    said = []
    if changes.lost:
        said.append(f"at least {changes.lost:,} of {plural(values, 'value')} are gone")
    if changes.changed:
        said.append(f"values were changed in {blocks(evidence, found, changes.changed)}")
    if changes.gained:
        said.append(f"there are more values in {blocks(evidence, found, changes.gained)}")
    if changes.unsure:
        said.append(f"the rows are not the same in {blocks(evidence, found, changes.unsure)}")
    message = "; ".join(said)
    message = f"{message[0].upper()}{message[1:]}."
    if kept is not None and kept.may_change is not None:
        message += f" The plan lets values change: {kept.may_change}"
        return Finding(subject=column, outcome="pass", message=message, evidence=numbers)
    must_be_same = kept.stable if kept is not None else evidence.phase in ("held", "rolled-back")
    is_proved = changes.lost or (must_be_same and (changes.changed or changes.gained))
    if is_proved:
        remedy = "Find what changes old rows, and restore the values from an archive or a backup."
        return Finding(subject=column, outcome="fail", message=message, remedy=remedy, evidence=numbers)
    remedy = "Only row hashes tell which: save them with the next baseline (genreq-checks snapshot SOURCE --row-hashes FILE)."
    return unknown(column, message[0].lower() + message[1:], remedy).model_copy(update={"evidence": numbers})


_RESTORE = "Put them back: genreq-checks restore FILE URL"
KEPT = "values.github_url values.artifacts_github_url values.deployment_url"
FAULTS = (
    fault(
        "every old github_url is overwritten by one",
        "after",
        by_sql(
            "UPDATE generation_requests SET github_url = 'https://github.com/leo/app' "
            "WHERE completed_at < '2024-12-01' AND github_url IS NOT NULL"
        ),
        "values.github_url",
    ),
    fault(
        "two old rows exchange their github_url",
        "after",
        by_sql(
            "UPDATE generation_requests g SET github_url = o.github_url "
            "FROM generation_requests o, (SELECT min(id) AS one, max(id) AS two FROM generation_requests "
            "WHERE status = 'completed' AND completed_at < '2024-12-01' AND github_url IS NOT NULL) p "
            "WHERE (g.id, o.id) IN ((p.one, p.two), (p.two, p.one))"
        ),
        "values.github_url",
    ),
    fault(
        "an old deployment_url is cleared",
        "after",
        by_sql(
            "UPDATE generation_requests SET deployment_url = NULL WHERE id = (SELECT min(id) FROM generation_requests "
            "WHERE status = 'completed' AND deployment_url IS NOT NULL)"
        ),
        "values.deployment_url",
    ),
    fault(
        "a conversation after the rollback that was not there before",
        "rolled-back",
        by_sql(
            "UPDATE generation_requests SET conversation = '[1]' WHERE id = (SELECT min(id) FROM generation_requests "
            "WHERE status = 'completed')"
        ),
        "values.conversation",
        warn="rollback",
    ),
    noticed("nine of ten old rows are deleted", "after", unknown=KEPT),
    fault(
        "an old row is no longer completed",
        "after",
        by_sql(
            "UPDATE generation_requests SET status = 'failed' WHERE id = (SELECT min(id) FROM generation_requests "
            "WHERE status = 'completed' AND completed_at < '2024-12-01')"
        ),
        unknown=KEPT,
    ),
    noticed("an old row gets another key", "after", unknown=KEPT),
    noticed("an old row with a token in github_url", "after", "values.github_url"),
    noticed("an old row with a password in artifacts_github_url", "after", unknown="values.artifacts_github_url"),
    noticed("an old row with a password in deployment_url", "after", unknown="values.deployment_url"),
    noticed("download_url is back, and empty", "rolled-back", "values.download_url"),
    noticed("conversation is not back", "rolled-back", unknown="values.conversation"),
)
CHECK = Check(
    name="values",
    title="{subject}: the baseline's values are unchanged",
    order=66,
    page=__doc__,
    phases=frozenset({"before", "held", "after", "rolled-back"}),
    subjects=subjects,
    judge=judge,
    facts=lambda _plan, _subject: {"rows", "key", "cohort", "baseline"},
    fingerprints=True,
    faults=FAULTS,
)
