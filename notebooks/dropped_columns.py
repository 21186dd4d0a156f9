# /// script
# requires-python = ">=3.11"
# dependencies = ["genreq-checks"]
# ///
import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Dropped columns")

with app.setup:
    import marimo as mo

    from genreq_checks.dashboard import form, review, schema_review
    from genreq_checks.outputs.verdict import WORDS, headline
    from genreq_checks.run import check


@app.cell(hide_code=True)
def question():
    mo.md("""
    # Dropped columns

    **Are the columns gone, was nothing lost with them, and is there a way back?**
    """)
    return


@app.cell(hide_code=True)
def source(opened):
    if opened.problem:
        source_told = mo.callout(opened.problem, kind="danger", title="The source could not be read")
    else:
        source_told = mo.callout(review.source_sentence(opened, "at the end"))
    source_told
    return


@app.cell(hide_code=True)
def verdict(report):
    mo.callout(headline(report), kind=review.CALLOUTS[report.outcome], title=WORDS[report.outcome])
    return


@app.cell(hide_code=True)
def dropped(report):
    _words = {
        "pass": "gone",
        "fail": "still there",
        "warn": "gone, but look",
        "unknown": "unknown",
        "skip": "not asked for",
    }
    _checks = [c for c in report.checks if c.id.startswith("dropped.")]
    mo.vstack(
        [
            mo.md("## The columns that go"),
            mo.hstack(
                [mo.stat(_words[c.outcome], label=c.id.removeprefix("dropped."), bordered=True) for c in _checks],
                wrap=True,
                justify="start",
            ),
            mo.ui.table(review.finding_rows(_checks), selection=None, wrapped_columns=["message", "what to do"]),
        ]
    )
    return


@app.cell(hide_code=True)
def schema(now, opened):
    _rows = schema_review.schema_rows(opened.plan, opened.baseline, now)
    mo.vstack(
        [
            mo.md("## The table before and after"),
            mo.callout("The source has no catalog: whether a column is gone cannot be seen.", kind="neutral")
            if _rows is None
            else mo.ui.table(_rows, selection=None, page_size=25),
        ]
    )
    return


@app.cell(hide_code=True)
def dependents(now, opened):
    _rows = schema_review.dependent_rows(opened.baseline or now)
    _when = "before the drop" if opened.baseline else "now"
    if _rows is None:
        _shown = mo.callout(f"Not read: the snapshot {_when} says nothing of dependents.", kind="neutral")
    elif not _rows:
        _shown = mo.callout(f"Nothing hangs on the dropped columns {_when}.", kind="success")
    else:
        _shown = mo.ui.table(_rows, selection=None)
    mo.vstack([mo.md("## What hangs on them"), _shown])
    return


@app.cell(hide_code=True)
def loss(report):
    _checks = [c for c in report.checks if c.id.startswith(("loss.", "claims."))]
    _rows = review.finding_rows(_checks)
    mo.vstack(
        [
            mo.md("## Loss ledger"),
            mo.ui.table(_rows, selection=None, wrapped_columns=["message", "what to do"])
            if _rows
            else mo.callout("No check of loss or claims was made.", kind="neutral"),
        ]
    )
    return


@app.cell(hide_code=True)
def rollback(now, opened, report):
    _checks = [c for c in report.checks if c.id == "rollback"]
    mo.vstack(
        [
            mo.md("## The way back"),
            mo.ui.table(schema_review.rollback_rows(opened.plan, opened.baseline, now), selection=None),
            mo.ui.table(review.finding_rows(_checks), selection=None, wrapped_columns=["message", "what to do"])
            if _checks
            else mo.callout("The rollback is proved by a rehearsal: genreq-checks rehearse SOURCE", kind="neutral"),
            mo.plain_text(opened.plan.sql.rollback.strip()),
        ]
    )
    return


@app.cell(hide_code=True)
def others(report):
    _rows = review.rows_beside(report, ("dropped.", "loss.", "claims.", "rollback"))
    mo.vstack(
        [
            mo.md("## The other checks"),
            mo.ui.table(_rows, selection=None, page_size=10, wrapped_columns=["message", "what to do"]),
        ]
    )
    return


@app.cell(hide_code=True)
def requirements(report):
    mo.vstack(
        [
            mo.md("## What the plan asks for, and what proves it"),
            mo.ui.table(
                review.requirement_rows(report),
                selection=None,
                page_size=20,
                wrapped_columns=["requirement", "checks", "unproven"],
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def appendix():
    mo.md("""
    ## Appendix: where the source is named, and what each table is made of

    Without a name, the source is what `--source` or `GENREQ_SOURCE` or `LEO_DATABASE_URL` says, else the sample. A baseline taken
    before the drop fills the *before* columns: after the drop, the past cannot be asked. Source code, migrations and what
    else is named in the form are read beside the source, the sample too.

    Columns and dependents come from `pg_catalog`, by the table's OID: a column that is not there is gone from this very
    table. What no catalog knows (bodies of functions as text) is searched by whole words, and said to be *textual*.
    """)
    return


@app.cell(hide_code=True)
def sources():
    named = form.sources_form()
    named
    return (named,)


@app.cell
def _(named):
    opened = review.open_sources(*form.typed(named.value), arguments=mo.cli_args().to_dict())
    return (opened,)


@app.cell
def _(opened):
    mo.stop(opened.now is None)
    now = opened.now
    report = check(opened.plan, now, opened.baseline, cutover=opened.cutover)
    return now, report


if __name__ == "__main__":
    app.run()
