"""Reports to render in tests: one that a real database gave, and one with hostile text in every field."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks.facts import SourceInfo, Step
from genreq_checks.plan import Plan
from genreq_checks.report import (
    CheckResult,
    DayCount,
    Derivation,
    ExampleRow,
    Examples,
    Finding,
    Meanwhile,
    PlanInfo,
    Rate,
    RateAmong,
    RateChange,
    Report,
    RequirementResult,
    Tool,
)
from genreq_checks.run import check, observe
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"


def mixed_report(database: str, plan: Plan) -> Report:
    """Some of everything: a column still there, 3 of 3,001 rows without a value, malformed ones, undated and old rows."""
    for day in range(1, 9):
        insert(database, *({"completed_at": f"2025-01-0{day} 10:00", "github_url": GITHUB} for _ in range(9)))
        insert(database, {"completed_at": f"2025-01-0{day} 11:00", "github_url": " "})
    insert(database, {"github_url": GITHUB}, {"status": "failed"})
    execute(
        database,
        "INSERT INTO generation_requests (user_id, app_name, prompt, initial_prompt, status, completed_at, github_url,"
        " artifacts_github_url, deployment_url) SELECT gen_random_uuid(), 'a', 'p', 'p', 'completed', '2025-01-12 08:00',"
        " CASE WHEN n > 3 THEN 'https://github.com/leo/app' END,"
        " CASE WHEN n > 3 THEN 'https://github.com/leo/app-artifacts' END,"
        " CASE WHEN n % 7 = 0 THEN 'null' WHEN n % 3 = 0 THEN 'https://app.fly.dev' END FROM generate_series(1, 3001) AS n",
    )
    execute(database, "ALTER TABLE generation_requests DROP COLUMN download_url")
    return check(plan, observe(plan, database, CUTOVER), cutover=CUTOVER)


def hostile_report(value: str) -> Report:
    """A report of every outcome with `value` in each field that may hold text from outside."""
    evidence = {value: value, "rows": 3, "list": [value] * 7, "nested": {value: value}, "file": value, "line": 7}
    outcomes = ("fail", "unknown", "warn", "pass", "skip")
    row = ExampleRow(key=(value, "7"), time=value, finding=value, values=(value, value))
    examples = Examples(key=(value, "id"), columns=(value, value), rows=(row,) * 4, of=103, read_at=CUTOVER)
    checks = tuple(
        CheckResult(
            id=f"{value}.{outcome}",
            title=value,
            outcome=outcome,
            requirement=value,
            found=103,
            failing=2,
            judged=3,
            command=f"genreq-checks rows {value}" if outcome in ("fail", "warn") else "",
            examples=examples if outcome in ("fail", "warn") else None,
            findings=(
                Finding(subject=value, outcome=outcome, message=value, remedy=value, evidence=evidence),
                Finding(subject=f"{value}:3", outcome=outcome, message=f"second {value}"),
            ),
        )
        for outcome in outcomes
    )
    source = SourceInfo(
        kind="postgresql", location=value, read_at=CUTOVER, seconds=0.5, server=value, role=value, notes=(value,)
    )
    return Report(
        tool=Tool(name=value, version=value),
        plan=PlanInfo(title=value, table=value, cutover=CUTOVER, fingerprint=value, cohort=value),
        phase="after",
        sources={"after": source, "before": source, value: source},
        outcome="fail",
        counts={"pass": 1, "warn": 1, "fail": 1, "unknown": 1, "skip": 1},
        rates=(
            Rate(
                column=value,
                side="after",
                rows=9,
                populated=8,
                null=1,
                blank=0,
                malformed=0,
                rate=8 / 9,
                low=0.5,
                high=1.0,
            ),
        ),
        rates_among=(
            RateAmong(column=value, side="after", field=value, rows=5, populated=4, rate=0.8, low=0.3, high=0.98),
        ),
        derivation=(Derivation(column=value, side="after", none=1, match=2, missing=3, wrong=4, unexpected=5),),
        changes=(RateChange(column=value, before=0.5, after=8 / 9, difference=0.388, low=0.1, high=0.6),),
        meanwhile=(Meanwhile(column=value, rows_then=4, rows_now=4, populated_then=1, populated_now=2),),
        daily=tuple(
            DayCount(column=value, side="after", day=day, rows=3, populated=2, null=1, blank=0, malformed=0)
            for day in ("2025-01-10", value, None)
        ),
        statuses={value: 9},
        checks=checks,
        requirements=(
            RequirementResult(id=value, text=value, checks=(value,), outcome="pass", unproven=(value,)),
            RequirementResult(id="second", text=value, checks=(value,), outcome="fail"),
        ),
        steps=(Step(name=value, outcome="fail", seconds=1.5, message=value),),
        notes=(value,),
    )


HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)><b>",
    "cdata": "]]><!-- -->&lt;&#0;&amp;",
    "markdown": "| a | `b` **c** [d](https://evil.example/) ![e](https://evil.example/e.png) ~~f~~ # g",
    "newlines": "one\n\n# two\r\n- three\n::error::four\n</details>\n\n<h1>five\n| - | - |",
    "links": "@octocat #1 https://evil.example/ www.evil.example evil@evil.example leo/app#3",
    "controls": "\x1b[31mred\x1b]8;;https://evil.example\x07\x00\x08\x9b\x7f\u2028\u2029\x85 end",
    "bidi": "\u202etxt.exe\u202c \u2066a\u2069 \u200b\u200f\ufeff",
    "commands": "::error file=a,line=1::x%0A%25 ::set-output name=a::b ##[error]c ::stop-commands::t",
    "quotes": "\"'\"' onmouseover=alert(1) x='",
    "formula": "=cmd|' /C calc'!A0",
    "surrogates": "\ufffe\uffff\U000e0001",
    "long": "x" * 1_000_000,
    "long markup": "<|`\n" * 250_000,
    "blank": "",
}
