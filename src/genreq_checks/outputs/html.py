"""The report as one HTML file that needs no network and runs no script; and its table for a notebook's cell."""

from __future__ import annotations

from genreq_checks.outputs.figures import meanwhile, provenance
from genreq_checks.outputs.html_parts import checks_table, counts, esc, outcome_mark, rates, requirements, steps
from genreq_checks.outputs.html_style import style
from genreq_checks.outputs.verdict import WORDS, common_reason, headline
from genreq_checks.report import Report

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(report: Report) -> str:
    """The report as a whole page: verdict, what changed, checks, requirements, what was read."""
    title = f"{WORDS[report.outcome]} · {esc(report.plan.table)} · genreq-checks"
    parts = [_head(report, "h1")]
    if report.steps:
        parts += ["<h2>Steps</h2>", steps(report)]
    if report.rates:
        parts += [f"<h2>Populated, of {esc(report.plan.rows)}</h2>", _chart(report), rates(report)]
        parts += [f'<p class="small">{esc(text)}</p>' for text in meanwhile(report)]
    parts += ["<h2>Checks</h2>", checks_table(report)]
    if report.requirements:
        parts += ["<h2>Requirements</h2>", requirements(report)]
    body = "\n".join(parts)
    read = "".join(f"<li>{esc(text)}</li>" for text in provenance(report))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{style(page=True)}</style></head>\n"
        f'<body><main class="gq page">\n{body}\n'
        f'<footer aria-label="What was read"><ul>{read}</ul></footer></main></body></html>\n'
    )


def fragment(report: Report) -> str:
    """The verdict and the table of checks, to stand in a notebook."""
    return f'<div class="gq"><style>{style(page=False)}</style>\n{_head(report, "p")}\n{checks_table(report)}\n</div>\n'


def _head(report: Report, tag: str) -> str:
    verdict = f"{outcome_mark(report.outcome)} {esc(headline(report))}"
    cutover = f", cutover {report.plan.cutover:%Y-%m-%d %H:%M:%S} UTC" if report.plan.cutover else ""
    about = f"{esc(report.plan.title)}: {esc(report.plan.table)}, {esc(report.plan.cohort)}{cutover}"
    reason = common_reason(report)
    told = f'<p class="reason">{esc(reason)}</p>' if reason else ""
    return f'<header><{tag}>{verdict}</{tag}><p class="about">{about}</p>{told}{counts(report)}</header>'


def _chart(report: Report) -> str:
    """The rates as a drawing, where there is one to draw; the table beside it has the numbers."""
    from genreq_checks import charts

    drawing = charts.svg(charts.rates(report))
    said = "Population rates before and after; the table below has the numbers"
    return f'<figure class="chart" role="img" aria-label="{said}"><div aria-hidden="true">{drawing}</div></figure>'
