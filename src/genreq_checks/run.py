"""The one way through: load a plan, observe a source, check. Notebooks, command line and tests call these."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks import __version__, checks
from genreq_checks.checks.behind import count_behind, count_judged, selection_of
from genreq_checks.checks.check import Check, unknown
from genreq_checks.errors import UsageError, libraries, near_file
from genreq_checks.evidence.commands import Call, Commands, call_for
from genreq_checks.evidence.doubts import source_notes
from genreq_checks.evidence.measures import changes, daily, derivations, meanwhile, period_of, rates, rates_among
from genreq_checks.evidence.sides import Evidence, gather
from genreq_checks.facts.migrations import PlanSql
from genreq_checks.plan import Plan
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.url import is_database_url
from genreq_checks.report import (
    LIST_LIMIT,
    CheckResult,
    Finding,
    Phase,
    PlanInfo,
    Report,
    RequirementResult,
    Tool,
    overall,
    tally_outcomes,
    worst,
)
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.evidence import Paths, read_evidence
from genreq_checks.sources.evidence.source import Asked, Depth
from genreq_checks.text import may_hold_secret

if TYPE_CHECKING:
    from genreq_checks.scan.fusion import Needs

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
ROW_FILES = (".parquet", ".csv", ".csv.gz")
EXAMPLE_SECONDS, EXAMPLES_SECONDS = 10.0, 30.0  # for the first rows of one check, and of all
LONGEST_NAME = 255  # bytes of a file's name, on the file systems that there are
_SOURCES = "Give postgresql://user@host/database, a snapshot (.json) or row files (.parquet, .csv)."


def observe(
    plan: Plan,
    source: str | Path | Snapshot,
    cutover: datetime | None = None,
    *,
    only: Iterable[str] | None = None,
    timeout: float = 300,
    deadline: Deadline | None = None,
    workers: int | None = None,
    spark: object = None,
    progress: Callable[[str], None] | None = None,
    baseline: Snapshot | str | Path | None = None,
    fingerprints: Depth = "all",
    hash_rows_to: str | Path | None = None,
    **evidence: Paths,
) -> Snapshot:
    """Everything that a source says of the plan's table in one instant, and what was named beside it.

    `source` is a database URL, a saved snapshot (.json), row files (.parquet, .csv, a folder or a glob of them), or a
    snapshot as it is. `cutover` (aware; the plan's when left out) is where a live table's rows are split; `timeout` is
    each statement's, in seconds; `deadline` bounds all that is asked of a server; `workers` is how many parallel workers
    it may use for a statement (None: as its own settings say). `progress` is told what takes long.

    `fingerprints` are of the columns that stay, or of all: by them a later check tells whether the rows and values are
    still the same. With a `baseline` they are of the rows that it covers, and can be compared with it. The file
    `hash_rows_to` gets the hash of each row's key and values, by which it is told later which of them are others.

    `spark` is a Spark session, or where to begin one (local[*], spark://host:port, sc://host:port): it reads the Parquet
    files, or the table that the session knows as `source`.

    What cannot be read is a problem in the
    snapshot. With `only` (patterns of check ids) nothing is read of the rows but what those checks need.

    `evidence` are files and folders by the name of what reads them: `code`, `queries`, `messages`, `migrations`,
    `generation`, `archive`; what a saved snapshot has of these stays where none is named.

    Raises: UsageError for an invalid source or a pattern that no check fits, SnapshotError for a file that is no snapshot,
        MissingLibraryError for a library that an installation for CI does not have.
    """
    cutover = cutover if cutover is not None else plan.cutover
    plan.require_time(cutover)
    if isinstance(baseline, str | Path):
        baseline = load_snapshot(baseline)
    url = "" if isinstance(source, Snapshot) else str(source)
    if hash_rows_to is not None and not is_database_url(url):
        raise UsageError("Row hashes are made of the rows of a database.", "Give its URL as SOURCE.")
    then = baseline.fingerprints if baseline is not None else None
    asked = Asked(
        plan,
        url,
        cutover,
        timeout,
        deadline,
        workers,
        progress,
        fingerprints,
        until=then.until if then is not None else None,
        newest_key=then.known.newest if then is not None and then.known is not None else None,
        row_hashes=Path(hash_rows_to) if hash_rows_to is not None else None,
    )
    with libraries():
        beside, under = read_evidence(asked, evidence)
        now = _observe(asked, source, only, spark)
    return now.with_evidence(**beside, read_under=dict(now.read_under) | under)


def _observe(asked: Asked, source: str | Path | Snapshot, only: Iterable[str] | None, spark: object = None) -> Snapshot:
    """What the source itself says."""
    if isinstance(source, Snapshot):
        return source
    plan, text = asked.plan, asked.url
    if spark is not None and not text.endswith(".json"):  # a baseline beside rows that Spark reads is a snapshot
        from genreq_checks.sources import spark as by_spark

        return by_spark.observe(plan, text, _needs(plan, only), spark, asked.cutover)
    if is_database_url(text):
        from genreq_checks.sources import table as postgres

        return postgres.observe(asked, _needs(plan, only))
    path = Path(text)
    if (
        max((len(os.fsencode(part)) for part in path.parts), default=0) > LONGEST_NAME
    ):  # no file has such a name, and the system would repeat it
        raise UsageError("SOURCE is neither a database URL nor a file that is there.", _SOURCES)
    if path.suffix == ".json":
        return load_snapshot(path).with_notes(f"as saved in the snapshot {path.name}")
    if text.endswith(ROW_FILES) or path.is_dir() or any(c in text for c in "*?["):
        from genreq_checks.sources import row_files as files

        return files.observe(plan, text, _needs(plan, only), asked.cutover)
    raise UsageError(_no_source(path), _SOURCES)


def _statuses(plan: Plan, now: Snapshot) -> dict[str, int]:
    """The rows of each status; none where the plan has no status."""
    if now.tally is None or plan.cohort.column is None:
        return {}
    return {str(status): rows for status, rows in sorted(now.tally.statuses().items(), key=str)}


def _needs(plan: Plan, only: Iterable[str] | None) -> Needs:
    return checks.needs_of(plan, [one for one, _ in checks.checks_of(plan, only)])


def _no_source(path: Path) -> str:
    if path.exists():
        return f"SOURCE {path} is a file of a kind that is not read."
    if may_hold_secret(str(path)):
        return "SOURCE is neither a database URL nor a file that is there."
    guess = near_file(path, ".json", ".parquet", ".csv")
    return f"SOURCE {path} is neither a database URL nor a file that is there. {guess}".rstrip()


def check(
    plan: Plan,
    now: Snapshot,
    baseline: Snapshot | str | Path | None = None,
    *,
    cutover: datetime | None = None,
    phase: Phase = "after",
    other_database: bool = False,
    max_lag: float | None = None,
    only: Iterable[str] | None = None,
    notes: Iterable[str] = (),
    call: Call | None = None,
    all_findings: bool = False,
) -> Report:
    """Judge what was observed; with `only`, by the checks whose ids fit a pattern.

    `baseline` is a snapshot, or the file of one. `cutover` (aware) falls back to the plan's; `notes` stand in the report as
    they are. A baseline or an archive of another database or table is not compared with, unless `other_database` says that
    it is meant. `max_lag` is how many seconds a standby may be behind; the plan's when left out. `call` says how plan and
    source were named: the report's commands name them in the same way. A list of findings ends after 100 of them, unless
    `all_findings` is set.

    Raises: UsageError for a pattern that no check fits, SnapshotError for a baseline that is no snapshot.
    """
    baseline = load_snapshot(baseline) if isinstance(baseline, str | Path) else baseline
    only = None if only is None else tuple(only)
    cutover = cutover if cutover is not None else plan.cutover
    plan.require_time(cutover)
    sql = _plan_sql(plan) if phase == "before" else None
    evidence = gather(plan, phase, now, baseline, cutover, sql, other_database=other_database, max_lag=max_lag)
    commands = Commands(now.source, cutover, call or call_for(plan))
    results = tuple(
        _with_commands(
            _result(evidence, one, subject, None if all_findings else LIST_LIMIT), one, subject, plan, commands, now
        )
        for one, subject in checks.checks_of(plan, only)
    )
    counts = tally_outcomes(results)
    return Report(
        tool=Tool(version=__version__),
        plan=PlanInfo(
            title=plan.title,
            table=plan.table.qualified,
            cutover=cutover,
            fingerprint=plan.fingerprint,
            cohort=plan.cohort.words,
            row=plan.cohort.row,
            rows=plan.cohort.rows,
        ),
        phase=phase,
        sources={"after": now.source} | ({"before": baseline.source} if baseline else {}),
        outcome=overall(counts),
        counts=counts,
        rates=rates(evidence),
        rates_among=rates_among(evidence),
        derivation=derivations(evidence),
        changes=changes(evidence),
        meanwhile=meanwhile(evidence),
        daily=daily(evidence),
        period=period_of(evidence),
        statuses=_statuses(plan, now),
        checks=results,
        requirements=_requirements(plan, phase, results, only is not None),
        only=() if only is None or phase == "generation" else only,  # a generation has but its own check
        notes=(
            *notes,
            *_on_a_part(only),
            *evidence.notes,
            *([] if phase == "rehearsal" else _doubts(plan, now, baseline)),
        ),
    )


def with_examples(
    report: Report,
    plan: Plan,
    source: str | Path | Snapshot,
    now: Snapshot,
    *,
    timeout: float = EXAMPLE_SECONDS,
    deadline: Deadline | None = None,
) -> Report:
    """The report with the first rows behind each check that failed or warns; a saved snapshot has none.

    `now` is what was judged: rows are read only of the kinds that it counted. All of it takes at most `EXAMPLES_SECONDS`, and
    no longer than `deadline`. A row that could not be read is the examples' problem; it changes no outcome.
    """
    if isinstance(source, Snapshot) or str(source).endswith(".json") or now.problem("tally") is not None:
        return report
    wanted = list(checks.wanted_rows(report, plan, now.tally))
    if not wanted:
        return report
    left = EXAMPLES_SECONDS if deadline is None else min(EXAMPLES_SECONDS, deadline.left)
    cutover = report.plan.cutover
    if is_database_url(str(source)):
        from genreq_checks.sources.first_rows import first_rows

        limit = min(timeout, EXAMPLE_SECONDS)
        found = first_rows(plan, str(source), wanted, cutover, limit, Deadline.after(left))
    else:
        from genreq_checks.sources.file_examples import first_rows_of_files

        found = first_rows_of_files(plan, str(source), wanted, cutover, max(left, 0))
    made = (one.model_copy(update={"examples": found.get(one.id)}) for one in report.checks)
    return report.model_copy(update={"checks": tuple(made)})


def _plan_sql(plan: Plan) -> PlanSql:
    """What the plan's own SQL does; it is asked before the drop only, and only then the parser is loaded."""
    from genreq_checks.sources import migration_sql

    return migration_sql.read_plan_sql(plan)


def _result(evidence: Evidence, one: Check, subject: str, limit: int | None) -> CheckResult:
    """One check's result; a check that raises is unknown with its error, and hides no other.

    What the plan's table contradicts makes the checks that rest on it unknown, unless they were not asked for.
    """
    found: int | None = None
    if evidence.phase not in one.phases:
        findings = [
            Finding(subject=subject or one.name, outcome="skip", message=f"Not asked for in phase {evidence.phase}.")
        ]
    else:
        try:
            findings = list(one.judge(evidence, subject))
            found = one.count(evidence, subject) if one.count else None
        except Exception as error:  # noqa: BLE001 - a fault in one check must not hide the others' answers
            findings = [
                unknown(
                    subject or one.name, f"the check itself failed ({type(error).__name__}).", "Please report this."
                ).model_copy(update={"evidence": {"error": type(error).__name__}})
            ]
    shown = _held_against_the_plan(evidence, one, subject, findings)
    return CheckResult(
        id=one.id(subject),
        title=one.title.format(subject=subject),
        outcome=worst(finding.outcome for finding in shown),
        requirement=evidence.plan.proves(one.id(subject)),
        found=(len(findings) if found is None else found) + len(shown) - len(findings),
        findings=tuple(shown[:limit]),
    )


def _with_commands(
    result: CheckResult, one: Check, subject: str, plan: Plan, commands: Commands, now: Snapshot
) -> CheckResult:
    """The result with complete commands, in which the source is filled in, and the number of rows that they list."""
    findings = tuple(
        finding.model_copy(update={"remedy": commands.filled_in(finding.remedy)}) if finding.remedy else finding
        for finding in result.findings
    )
    selection = selection_of(one, plan, subject)
    command, failing, judged = "", None, None
    if selection is not None and result.outcome not in ("unknown", "skip"):
        failing = count_behind(now.tally, selection, plan, commands.cutover)
        judged = count_judged(now.tally, selection, plan, commands.cutover) if failing is not None else None
    if result.outcome in ("fail", "warn"):
        by_row_hashes = one.fingerprints and now.row_hashes is not None
        if selection is not None or by_row_hashes:
            command = commands.rows(result.id, by_row_hashes=by_row_hashes)
    return result.model_copy(update={"findings": findings, "command": command, "failing": failing, "judged": judged})


def _on_a_part(only: Iterable[str] | None) -> tuple[str, ...]:
    """A note on what was left out."""
    return () if only is None else (f"Only {' '.join(only)}: the plan's other checks were not made.",)


def _held_against_the_plan(evidence: Evidence, one: Check, subject: str, findings: list[Finding]) -> list[Finding]:
    """The findings, and first what the plan's table contradicts. Then nothing passes: the numbers stay, the word goes."""
    needs, name = one.facts(evidence.plan, subject), subject or one.name
    concerning = [problem for problem in evidence.contradictions if problem.concerns(needs, subject)]
    if not concerning or all(finding.outcome == "skip" for finding in findings):
        return findings
    beside = [
        Finding(subject=name, outcome="warn", message=problem.problem, remedy=problem.remedy)
        for problem in concerning
        if problem.outcome == "warn"
    ]
    problems = [problem for problem in concerning if problem.outcome == "unknown"]
    if not problems:
        return [*findings, *beside]
    standing = [finding for finding in findings if finding.outcome not in ("pass", "skip")]
    measured = next((finding.evidence for finding in findings if finding.outcome == "pass"), {})
    first, *others = (unknown(name, problem.problem, problem.remedy) for problem in problems)
    return [first.model_copy(update={"evidence": measured}), *others, *standing, *beside]


def _requirements(
    plan: Plan, phase: Phase, results: Iterable[CheckResult], partly: bool
) -> tuple[RequirementResult, ...]:
    """Each requirement with the worst outcome of its checks; what was skipped or not made leaves it unproven.

    In a phase that a requirement is not about its checks ask something else: it is not judged there. Where the plan's
    checks were made `partly`, requirements of which none was made are left out.
    """
    made_here = {result.id: result.outcome for result in results}
    rows: list[RequirementResult] = []
    for requirement in plan.requirements:
        if partly and made_here.keys().isdisjoint(requirement.checks):
            continue
        outcomes = made_here if phase == "generation" or phase in requirement.phases else {}
        made = [outcomes[c] for c in requirement.checks if outcomes.get(c, "skip") != "skip"]
        unproven = tuple(c for c in requirement.checks if outcomes.get(c, "skip") in ("skip", "unknown"))
        outcome = worst(made) if made else "skip"
        rows.append(
            RequirementResult(
                id=requirement.id, text=requirement.text, checks=requirement.checks, outcome=outcome, unproven=unproven
            )
        )
    return tuple(rows)


def _doubts(plan: Plan, now: Snapshot, baseline: Snapshot | None) -> list[str]:
    """What a reader should know of the sources before he trusts the comparison."""
    found: list[str] = [*source_notes(now)]
    for name, snapshot in (("source", now), ("baseline", baseline)):
        fingerprint = plan.fingerprint_of(snapshot.format_version) if snapshot else ""
        if snapshot and snapshot.plan_fingerprint != fingerprint:
            found.append(
                f"The {name} was read under another plan (fingerprint {snapshot.plan_fingerprint}, now {fingerprint})."
            )
        if snapshot and snapshot.tally is not None:
            found += [f"The {name} has {words}" for words in snapshot.tally.limits]
        if snapshot and snapshot.plan_table != plan.table.qualified:
            found.append(f"The {name} is of the table {snapshot.plan_table}, the plan is about {plan.table.qualified}.")
    if baseline and baseline.source.read_at > now.source.read_at:
        found.append("The baseline was read after the source: are the two swapped?")
    return found
