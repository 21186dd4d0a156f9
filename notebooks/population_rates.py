# /// script
# requires-python = ">=3.11"
# dependencies = ["genreq-checks"]
# ///
import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Population rates")

with app.setup:
    import marimo as mo

    from genreq_checks import charts
    from genreq_checks.dashboard import form, review, wording
    from genreq_checks.outputs.verdict import WORDS, headline
    from genreq_checks.run import check


@app.cell(hide_code=True)
def question():
    mo.md("""
    # Population rates

    **Do completed rows have their URLs, and did the clean-up make it so?**
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
def stats(report):
    _rows = [row for row in review.rate_rows(report) if row["side"] in ("after", "all")]
    _before = {row["column"]: row for row in review.rate_rows(report) if row["side"] == "before"}
    mo.vstack(
        [
            mo.md("## Populated, of completed rows"),
            mo.hstack(
                [
                    mo.stat(
                        row["populated"],
                        label=row["column"],
                        caption=f"{row['populated rows']:,} of {row['rows']:,}"
                        + (f"; before {_before[row['column']]['populated']}" if row["column"] in _before else ""),
                        bordered=True,
                    )
                    for row in _rows
                ],
                wrap=True,
                justify="start",
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def controls(cohort, cutover, cutover_day):
    mo.vstack(
        [
            mo.md("## Controls"),
            cutover_day,
            mo.md(f"The cutover is {cutover:%Y-%m-%d %H:%M} UTC." if cutover else "There is no cutover: one side."),
            cohort,
        ]
    )
    return


@app.cell(hide_code=True)
def rates(report):
    mo.vstack([mo.md("## Before and after"), charts.rates(report), mo.md(wording.content(report))])
    return


@app.cell(hide_code=True)
def daily_heading():
    mo.md("""
    ## Day by day
    """)
    return


@app.cell(hide_code=True)
def daily(report, window):
    mo.vstack([charts.daily(report, column, window=window) for column in charts.columns(report)])
    return


@app.cell(hide_code=True)
def timeline(brush):
    brush
    return


@app.cell(hide_code=True)
def reasons(report):
    mo.vstack([mo.md("## Rows without a value"), charts.reasons(report)])
    return


@app.cell(hide_code=True)
def derivation(report):
    mo.vstack([mo.md("## The derived column"), charts.derivation(report)])
    return


@app.cell(hide_code=True)
def statuses(report):
    mo.vstack([mo.md("## All rows, by status"), charts.statuses(report)])
    return


@app.cell(hide_code=True)
def findings(report):
    _checks = [c for c in report.checks if c.id.startswith(("population.", "derivation.", "url-shape."))]
    mo.vstack(
        [
            mo.md("## What the checks say"),
            mo.ui.table(review.finding_rows(_checks), selection=None, wrapped_columns=["message", "what to do"]),
        ]
    )
    return


@app.cell(hide_code=True)
def rows_control(plan):
    behind = mo.ui.dropdown(review.checks_with_rows(plan), label="Rows behind the check")
    mo.vstack([mo.md("## The rows themselves"), behind])
    return (behind,)


@app.cell(hide_code=True)
def rows(behind, cutover, opened, plan):
    _found = (
        review.offending_rows(opened, plan, behind.value, cutover)
        if behind.value
        else "Choose a check to list its rows."
    )
    if isinstance(_found, str):
        _shown = mo.callout(_found, kind="neutral")
    elif not _found:
        _shown = mo.callout("There are none.", kind="success")
    else:
        _shown = mo.ui.table(
            _found,
            selection=None,
            page_size=10,
            label="By key; values are masked, and no more than 1,000 rows are listed.",
        )
    _shown
    return


@app.cell(hide_code=True)
def appendix():
    mo.md("""
    ## Appendix: where the source is named, and how each number is made

    Without a name, the source is what `--source` or `GENREQ_SOURCE` or `LEO_DATABASE_URL` says, else the sample. A source is a database
    URL, a snapshot (`.json`) or row files (`.parquet`, `.csv`). Nothing is ever written to it. What else is named
    in the form is read beside the source, and judged in the verdict.
    """)
    return


@app.cell(hide_code=True)
def sources():
    named = form.sources_form()
    named
    return (named,)


@app.cell
def _(named):
    # The only cell that reads: it does not depend on the cutover, so a new cutover asks the database nothing.
    opened = review.open_sources(*form.typed(named.value), arguments=mo.cli_args().to_dict())
    return (opened,)


@app.cell
def _(opened):
    mo.stop(opened.now is None)
    now = opened.now
    days = review.days_to_choose(now, opened.cutover)
    cutover_day = mo.ui.dropdown(
        {f"{day}": place for place, day in enumerate(days)} or {"no day": 0},
        value=f"{days[review.chosen_first(days, opened.cutover)]}" if days else "no day",
        label="Cutover, by day",
        allow_select_none=False,
    )
    return cutover_day, days, now


@app.cell
def _(now, opened):
    cohort = mo.ui.multiselect(
        review.statuses_to_choose(opened.plan, now),
        value=opened.plan.cohort.values,
        label="Statuses that count as completed",
    )
    return (cohort,)


@app.cell
def _(cohort, cutover_day, days, opened):
    plan = review.with_cohort(opened.plan, cohort.value)
    cutover = review.cutover_on(days[cutover_day.value], opened.cutover) if days else opened.cutover
    return cutover, plan


@app.cell
def _(cutover, now, opened, plan):
    report = check(plan, now, opened.baseline, cutover=cutover)
    return (report,)


@app.cell
def _(report):
    brush = mo.ui.altair_chart(
        charts.timeline(report, brush=charts.brush()),
        chart_selection=False,
        legend_selection=False,
    )
    return (brush,)


@app.cell
def _(brush):
    window = charts.window_of(brush.selections)
    return (window,)


@app.cell(hide_code=True)
def made_of(report):
    mo.vstack(
        [
            mo.md("""
            A rate is *populated ÷ rows* of the completed rows of a side; NULL, the empty string and white space are not
            populated. A row is *after* when its `completed_at`, read as UTC, is at or after the cutover, *before* when it is
            earlier, and *undated* when it has none. With a baseline, the rows before the cutover are the baseline's.
            Intervals are Wilson's for a rate and Newcombe's for a difference, both at 95 %.
            """),
            mo.ui.table(review.rate_rows(report), selection=None, label="Rates"),
            mo.ui.table(review.change_rows(report), selection=None, label="After − before, in percentage points"),
        ]
    )
    return


@app.cell(hide_code=True)
def day_table(report):
    mo.vstack(
        [
            mo.md("The counts of each day; their sums are the rates above, but for rows without a day."),
            mo.ui.table(
                [
                    row._asdict()
                    for column in charts.columns(report)
                    for row in charts.daily_counts(report, column, None).rates
                ],
                selection=None,
                format_mapping={"rate": "{:.4f}", "low": "{:.4f}", "high": "{:.4f}"},
                page_size=10,
                label="Days",
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
