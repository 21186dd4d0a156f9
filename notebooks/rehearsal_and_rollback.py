# /// script
# requires-python = ">=3.11"
# dependencies = ["genreq-checks"]
# ///
import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Rehearsal and rollback")

with app.setup:
    import marimo as mo

    from genreq_checks.dashboard import rehearsal_review, review
    from genreq_checks.dashboard.tables import Table
    from genreq_checks.outputs.verdict import WORDS


@app.cell(hide_code=True)
def question():
    mo.md("""
    # Rehearsal and rollback

    **Does the change run as planned, and can one go back?**
    """)
    return


@app.cell(hide_code=True)
def source(opened):
    if opened.problem:
        source_told = mo.callout(opened.problem, kind="danger", title="The report could not be read")
    else:
        source_told = mo.callout(
            rehearsal_review.source_sentence(opened),
            kind="warn" if opened.is_sample else "neutral",
            title="SAMPLE DATA" if opened.is_sample else "",
        )
    source_told
    return


@app.cell(hide_code=True)
def verdict(report):
    _dropped = rehearsal_review.way_back(report)
    _hidden = rehearsal_review.way_back_hidden(report)
    mo.vstack(
        [
            mo.callout(
                _dropped.told,
                kind=review.CALLOUTS[_dropped.outcome],
                title=f"{WORDS[_dropped.outcome]}: back after the drop",
            ),
            mo.callout(
                _hidden.told,
                kind=review.CALLOUTS[_hidden.outcome],
                title=f"{WORDS[_hidden.outcome]}: back while the columns are hidden",
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def steps(report):
    mo.vstack(
        [
            mo.vstack(
                [
                    mo.md(f"## {_part}"),
                    Table(rehearsal_review.step_rows(_steps), f"Steps: {len(_steps)}"),
                ]
            )
            for _part, _steps in rehearsal_review.parts(report).items()
        ]
    )
    return


@app.cell(hide_code=True)
def findings(report):
    mo.vstack(
        [
            mo.md("## What the checks say"),
            mo.ui.table(
                review.rows_beside(report, ()),
                selection=None,
                page_size=10,
                wrapped_columns=["message", "what to do"],
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def appendix():
    mo.md("""
    ## Appendix: where the report is named, and what decides

    A rehearsal is not run here. `genreq-checks rehearse SOURCE --format json --output rehearsal.json` runs it on a copy and
    saves its report; with `--staged` the columns are first hidden and brought back. Without a name, the report is what
    `--source` or `GENREQ_REHEARSAL` says.

    Back after the drop: the values were archived, the rollback SQL brought the columns back, the archive was restored, and
    every value was compared with the original (in the demo, by its checks). Back while hidden: the columns were renamed away, and back. A step that
    is missing or was not reached is *unknown*.
    """)
    return


@app.cell(hide_code=True)
def sources():
    named = mo.ui.text(label="Report of a rehearsal (`.json`)", full_width=True).form(submit_button_label="Read")
    named
    return (named,)


@app.cell(hide_code=True)
def demo():
    told = mo.ui.run_button(label="Play the demo's clean-up on an embedded PostgreSQL (some seconds)")
    told
    return (told,)


@app.cell
def _(named, told):
    opened = rehearsal_review.open_rehearsal(named.value or "", mo.cli_args().to_dict(), story=told.value)
    return (opened,)


@app.cell
def _(opened):
    mo.stop(opened.report is None)
    report = opened.report
    return (report,)


if __name__ == "__main__":
    app.run()
