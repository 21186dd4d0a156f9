"""The notebooks' form: the source, the baseline, and a field for each source of evidence, so that a new one has its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genreq_checks.sources.evidence import all_sources

if TYPE_CHECKING:
    import marimo as mo

TABLES = {"source": "Source", "baseline": "Baseline (optional)"}  # each may be a URL with a password, and is not shown


def sources_form() -> mo.ui.form[dict[str, object], dict[str, object]]:
    """The form; its value is None until it is submitted, then what was typed, by name: see `typed`."""
    import marimo as mo

    fields: dict[str, mo.ui.text | mo.ui.text_area] = {
        name: mo.ui.text(label=label, kind="password", full_width=True) for name, label in TABLES.items()
    }
    for one in all_sources():
        label = f"`{one.name}`: {one.help}"
        if one.repeatable:
            label = f"{label.removesuffix('.')}, one a line."
            fields[one.name] = mo.ui.text_area(label=label, placeholder=one.metavar, rows=2, full_width=True)
        else:
            fields[one.name] = mo.ui.text(label=label, placeholder=one.metavar, full_width=True)
    template = "\n\n".join(f"{{{name}}}" for name in fields)
    return mo.md(template).batch(**fields).form(submit_button_label="Read")


def typed(submitted: Mapping[str, object] | None) -> tuple[str, str, dict[str, list[str]]]:
    """What was submitted: the source and the baseline as text, and the files and folders of each source of evidence."""
    told = {name: str(text or "") for name, text in (submitted or {}).items()}
    beside: dict[str, list[str]] = {}
    for one in all_sources():
        text = told.get(one.name, "")
        lines = text.splitlines() if one.repeatable else [text]
        if paths := [line.strip() for line in lines if line.strip()]:
            beside[one.name] = paths
    return told.get("source", "").strip(), told.get("baseline", "").strip(), beside
