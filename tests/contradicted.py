"""A changed plan, the report before the drop, and what is unknown in it: for tests of contradictions."""

from __future__ import annotations

from typing import Any

from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe

GITHUB = "https://github.com/leo/app"
DONE = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}
GONE = ("download_url", "conversation")
KEPT = ("github_url", "artifacts_github_url", "deployment_url")
ZIP = {"download_url": "https://downloads.leo.example/a.zip", "github_url": GITHUB, "completed_at": "2025-01-09"}


def changed(plan: Plan, part: str, **keys: Any) -> Plan:
    """The plan with some keys of its table, cohort or SQL changed."""
    return plan.model_copy(update={part: getattr(plan, part).model_copy(update=keys)})


def forward(plan: Plan, text: str) -> Plan:
    return changed(plan, "sql", forward=text)


def before(plan: Plan, source: Any, **inputs: Any) -> Report:
    return check(plan, observe(plan, source).with_evidence(**inputs), phase="before")


def unknown(report: Report) -> dict[str, str]:
    """What is unknown, and the first reason."""
    return {one.id: one.findings[0].message for one in report.checks if one.outcome == "unknown"}


def names(check_name: str, *columns: str) -> set[str]:
    return {f"{check_name}.{column}" for column in columns}
