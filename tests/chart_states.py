"""States of a report that its charts must show well, made from data: no database is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from genreq_checks.facts import SourceInfo
from genreq_checks.report import (
    CheckResult,
    DayCount,
    Derivation,
    Finding,
    PlanInfo,
    Rate,
    RateChange,
    Report,
    Tool,
    overall,
    tally_outcomes,
)
from genreq_checks.tally.intervals import newcombe, rate, wilson

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)

Days = dict[str, tuple[int, int]]  # day → rows, populated
Columns = Mapping[str, Mapping[str, Days]]  # column → side → days
KEPT = ("github_url", "artifacts_github_url", "deployment_url")


def days(first: str, count: int, rows: int, populated: float, every: int = 1) -> Days:
    """So many days with about so many rows, `populated` of them as a fraction."""
    begin = datetime.fromisoformat(first)
    found: Days = {}
    for n in range(count):
        here = max(1, rows + (n * 7) % 5 - 2) if rows > 2 else rows
        some = min(here, max(0, round(here * populated + ((n * 5) % 3 - 1 if 0 < populated < 1 else 0))))
        found[f"{begin + timedelta(days=n * every):%Y-%m-%d}"] = (here, some)
    return found


def report(columns: Columns, cutover: datetime | None = CUTOVER, failed: Mapping[str, str] | None = None) -> Report:
    """A report of these counts. `failed`: check id → message; every other check of a column passes."""
    rates, daily, changes, derived, checks = [], [], [], [], []
    for column, sides in columns.items():
        whole = {side: tuple(map(sum, zip(*found.values(), strict=True))) or (0, 0) for side, found in sides.items()}
        for side, found in sides.items():
            rows, populated = whole[side]
            low, high = wilson(populated, rows) or (None, None)
            counts = {"null": rows - populated, "blank": 0, "malformed": 0}
            share = rate(populated, rows)
            rates.append(
                Rate(column=column, side=side, rows=rows, populated=populated, rate=share, low=low, high=high, **counts)
            )
            daily += [
                DayCount(column=column, side=side, day=day, rows=n, populated=p, null=n - p, blank=0, malformed=0)
                for day, (n, p) in found.items()
            ]
            if column.startswith("artifacts"):
                off = 3 if failed and "derivation.artifacts_github_url" in failed and side == "after" else 0
                derived.append(
                    Derivation(
                        column=column,
                        side=side,
                        none=rows - populated,
                        match=max(0, populated - off),
                        missing=0,
                        wrong=min(off, populated),
                        unexpected=0,
                    )
                )
        if {"before", "after"} <= set(sides):
            one, two = whole["before"], whole["after"]
            interval = newcombe((one[1], one[0]), (two[1], two[0])) or (None, None)
            before, after = rate(one[1], one[0]), rate(two[1], two[0])
            difference = None if before is None or after is None else after - before
            low, high = interval if difference is not None else (None, None)
            changes.append(
                RateChange(column=column, before=before, after=after, difference=difference, low=low, high=high)
            )
        for name in ("population", "derivation") if column.startswith("artifacts") else ("population",):
            checks.append(_check(f"{name}.{column}", (failed or {}).get(f"{name}.{column}")))
    checks += [_check(name, text) for name, text in (failed or {}).items() if name not in {c.id for c in checks}]
    counts = tally_outcomes(checks)
    table = "public.generation_requests"
    read = datetime(2025, 2, 1, tzinfo=UTC)
    return Report(
        tool=Tool(version="0"),
        plan=PlanInfo(title="Clean-up", table=table, cutover=cutover, fingerprint="0", cohort="status completed"),
        phase="after",
        sources={"after": SourceInfo(kind="postgresql", location="postgresql://h/d", read_at=read)},
        outcome=overall(counts),
        counts=counts,
        rates=tuple(rates),
        derivation=tuple(derived),
        changes=tuple(changes),
        daily=tuple(daily),
        statuses={"completed": sum(r.rows for r in rates if r.column == next(iter(columns), ""))},
        checks=tuple(checks),
    )


def _check(name: str, message: str | None) -> CheckResult:
    outcome = "pass" if message is None else "unknown" if message.startswith("unknown") else "fail"
    minimum = {"minimum": 0.95} if name.startswith("population.") else {}
    finding = Finding(
        subject=name.partition(".")[2], outcome=outcome, message=message or "As planned.", evidence=minimum
    )
    return CheckResult(id=name, title=name, outcome=outcome, found=1, findings=(finding,))


def _two(*after: float, before: tuple[float, ...] = (0.97, 0.0, 0.6), rows: int = 20) -> Columns:
    """The three columns with three weeks before and ten days after, at these rates."""
    return {
        column: {
            "before": days("2024-12-20", 22, rows, old),
            "after": days("2025-01-10", 10, rows, new),
        }
        for column, old, new in zip(KEPT, before, after, strict=True)
    }


def _one(side: str, found: Days) -> Columns:
    return {column: {side: found} for column in KEPT}


def states() -> Iterator[tuple[str, Report]]:
    """Each state with its name."""
    good = _two(0.98, 0.98, 0.97)
    yield "all-pass", report(good)
    yield "population-fails", report(_two(0.7, 0.98, 0.97), failed={"population.github_url": "lower"})
    yield "derivation-fails", report(good, failed={"derivation.artifacts_github_url": "3 are wrong"})
    yield "dropped-fails", report(good, failed={"dropped.download_url": "still there"})
    yield "nothing-populated", report(_two(0.0, 0.0, 0.0), failed={f"population.{c}": "none" for c in KEPT})
    yield "unchanged", report(_two(0.97, 0.0, 0.6))
    yield "all-populated", report(_two(1.0, 1.0, 1.0, before=(1.0, 1.0, 1.0)))
    yield "half", report(_two(0.5, 0.52, 0.48, before=(0.49, 0.5, 0.51)))
    yield "one-side", report(_one("all", days("2025-01-01", 20, 30, 0.9)), None)
    yield "one-day", report(_one("all", days("2025-01-10", 1, 30, 0.9)), None)
    yield (
        "one-day-cut",
        report({c: {"before": days("2025-01-10", 1, 30, 0.9), "after": days("2025-01-10", 1, 30, 0.97)} for c in KEPT}),
    )
    yield (
        "three-years",
        report(
            {c: {"before": days("2022-01-10", 1096, 90, 0.8), "after": days("2025-01-10", 20, 90, 0.97)} for c in KEPT}
        ),
    )
    yield (
        "weeks-without-rows",
        report(
            {
                c: {
                    "before": days("2023-03-01", 2, 9, 0.8) | days("2024-12-28", 9, 9, 0.9),
                    "after": days("2025-01-10", 10, 9, 0.97),
                }
                for c in KEPT
            }
        ),
    )
    yield (
        "every-third-day",
        report(
            {
                c: {"before": days("2024-12-01", 13, 9, 0.8, every=3), "after": days("2025-01-12", 6, 9, 0.97, every=3)}
                for c in KEPT
            }
        ),
    )
    yield "none-before", report({c: {"before": {}, "after": days("2025-01-10", 10, 9, 0.97)} for c in KEPT})
    yield "none-after", report({c: {"before": days("2024-12-20", 21, 9, 0.97), "after": {}} for c in KEPT})
    yield "no-rows", report({c: {"before": {}, "after": {}} for c in KEPT})
    yield "one-row", report({c: {"before": {}, "after": {"2025-01-11": (1, 1)}} for c in KEPT})
    yield "many-rows", report(_two(0.98, 0.98, 0.97, rows=100_000_000 // 22))
    yield (
        "twelve-columns",
        report({f"column_{n:02}_url": dict(good[KEPT[n % 3]]) for n in range(12)}),
    )
    long = "a_column_with_a_name_of_sixty_three_letters_as_long_as_allowed_"
    yield "long-names", report({long: good["github_url"], long[:-1] + "2": good["deployment_url"]})
    yield (
        "baseline",
        report(
            {
                c: {"before": days("2024-12-20", 22, 9, 0.9), "after": days("2024-12-20", 30, 9, 0.9)} | {"undated": {}}
                for c in KEPT
            },
            None,
        ),
    )
