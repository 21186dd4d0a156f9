"""Evidence made by hand: snapshots, tallies and plans as small as a verdict needs them, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from genreq_checks.facts import ArchivedColumn, ArchiveFacts, SourceInfo
from genreq_checks.facts.identity import Identity
from genreq_checks.facts.recovery import Recovery
from genreq_checks.plan import Plan, load_plan
from genreq_checks.report import Finding, Phase
from genreq_checks.run import check
from genreq_checks.snapshot import Column, Problem, Snapshot, TableFacts, UniqueKey
from genreq_checks.tally import FacetClasses, Tally, TallyRow

URL = ("null", "blank", "populated", "malformed", "credentials")
POPULATION = ("null", "blank", "populated")
JSON = ("null", "json-null", "empty", "populated")
DERIVATION = ("none", "match", "missing", "wrong", "unexpected")
REBUILD = ("null", "same", "other")
FACETS: Mapping[str, tuple[str, ...]] = {
    "github_url": URL,
    "artifacts_github_url": URL,
    "derivation.artifacts_github_url": DERIVATION,
    "deployment_url": URL,
    "download_url": POPULATION,
    "conversation": JSON,
}
CUTOVER = datetime(2025, 1, 10, tzinfo=UTC)
NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)
OLD, NEW = "2025-01-09", "2025-01-11"  # a day before the cutover, and one after
HERE = Identity(
    system_identifier="7", timeline=1, server_version=170000, database="leo", database_oid=16384, table_oid=99
)
THERE = HERE.model_copy(update={"table_oid": 100})
PLAN = load_plan()
TYPES = {"download_url": "text", "conversation": "jsonb"}
KEPT = ("github_url", "artifacts_github_url", "deployment_url")


def plan(*changes: Mapping[str, Any]) -> Plan:
    """The built-in plan with some keys changed; None takes a key out."""
    data = PLAN.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    for change in changes:
        _merge(data, change)
    return Plan.model_validate(data)


def _merge(data: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            data.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(data.get(key), dict):
            _merge(data[key], value)
        else:
            data[key] = value


def row(
    count: int,
    classes: Mapping[str, str] | None = None,
    *,
    day: str | None = OLD,
    status: str | None = "completed",
    split: bool | None = None,
) -> tuple[Any, ...]:
    """So many rows with these classes; a facet that is not named is of its first class."""
    return day, split, status, classes or {}, count


def tally(*rows: tuple[Any, ...], facets: Mapping[str, Sequence[str]] = FACETS, split: datetime | None = None) -> Tally:
    """A tally of rows made by `row`."""
    made = tuple(
        TallyRow(day, at, status, tuple(labels.index(of.get(name, labels[0])) for name, labels in facets.items()), n)
        for day, at, status, of, n in rows
    )
    return Tally(
        facets=tuple(FacetClasses(name=n, classes=tuple(c)) for n, c in facets.items()), split=split, rows=made
    )


def columns(*names: str, **types: str) -> tuple[Column, ...]:
    """Columns in this order; text, unless a type is given. Only `id` is never NULL."""
    return tuple(
        Column(name=n, type=types.get(n, TYPES.get(n, "text")), position=i, nullable=n != "id")
        for i, n in enumerate(names, 1)
    )


ALL_COLUMNS = ("id", "status", "completed_at", *KEPT, *TYPES)
LEFT = ("id", "status", "completed_at", *KEPT)


def table(*names: str, **facts: Any) -> TableFacts:
    """The catalog's facts of the table: with the dropped columns, unless columns are named."""
    given = {"schema_name": "public", "name": "generation_requests", "kind": "table"} | facts
    if "columns" not in given:
        given["columns"] = columns(*(names or ALL_COLUMNS))
    return TableFacts(**({"unique": (UniqueKey(columns=("id",)),)} | given))


def snapshot(
    counts: Tally | None = None,
    facts: TableFacts | None = None,
    *,
    read: datetime | str = "2025-02-01T00:00Z",
    kind: Any = "postgresql",
    identity: Identity | None = HERE,
    recovery: Recovery | None = None,
    location: str = "postgresql://h/d",
    problems: Mapping[str, str] | None = None,
    **parts: Any,
) -> Snapshot:
    """Everything of one instant; what is not given was not read."""
    at = datetime.fromisoformat(read) if isinstance(read, str) else read
    made = {"tool_version": "0", "plan_fingerprint": PLAN.fingerprint, "plan_table": "public.generation_requests"}
    source = SourceInfo(kind=kind, location=location, read_at=at, identity=identity, recovery=recovery)
    found = tuple(Problem(part=part, message=text) for part, text in (problems or {}).items())
    return Snapshot.model_validate(
        made | {"source": source, "table": facts, "tally": counts, "problems": found} | parts
    )


def archive(values: int = 100, *, column: str = "download_url", **facts: Any) -> ArchiveFacts:
    """A verified archive of this table with so many values of one column."""
    given = {
        "path": "a.parquet",
        "table": "public.generation_requests",
        "created_at": datetime(2025, 2, 8, tzinfo=UTC),
        "rows": values,
        "verified": True,
        "identity": HERE,
        "key": ("id",),
        "columns": {column: ArchivedColumn(type="text", values=values, digest="0")},
        "stale": {column: 0},
    }
    return ArchiveFacts(**(given | facts))


def beside(**evidence: Any) -> dict[str, Any]:
    """The other evidence: code, messages, migrations, archive, generation, rehearsal."""
    return evidence


def judge(
    now: Snapshot,
    check_id: str,
    phase: Phase = "after",
    baseline: Snapshot | None = None,
    *,
    by: Plan = PLAN,
    cutover: datetime | None = None,
    inputs: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[Finding]:
    """The findings of one check; one that raises fails the test, although the report calls it unknown."""
    seen = now.with_evidence(**(inputs or {}))
    report = check(by, seen, baseline, cutover=cutover, phase=phase, only=[check_id], **more)
    assert not [one.id for one in report.checks if "error" in one.findings[0].evidence]
    return list(report.check(check_id).findings)


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Subject and outcome of each finding."""
    return [(one.subject, one.outcome) for one in findings]


def only(findings: Sequence[Finding]) -> tuple[str, dict[str, Any]]:
    """Outcome and evidence of the one finding."""
    (one,) = findings
    return one.outcome, one.evidence
