import marimo

__generated_with = "0.25.2"
app = marimo.App(
    width="medium",
    app_title="Did the clean-up work?",
    css_file="dashboard.css",
    html_head_file="dashboard_head.html",
)

with app.setup:
    import marimo as mo

    from genreq_checks.dashboard import shared, wording


@app.cell(hide_code=True)
def question():
    mo.md("""
    # Did the clean-up work, and does it still?
    """)
    return


@app.cell(hide_code=True)
def stale(reading):
    _told = wording.stale(reading)
    mo.callout(_told, kind="warn", title="Not of this moment") if _told else None
    return


@app.cell(hide_code=True)
def verdict(reading):
    _signs = {
        "pass": mo.Html("<h2 class='outcome outcome-pass'>✓ PASS</h2>"),
        "warn": mo.Html("<h2 class='outcome outcome-warn'>! WARN</h2>"),
        "fail": mo.Html("<h2 class='outcome outcome-fail'>✗ FAIL</h2>"),
        "unknown": mo.Html("<h2 class='outcome outcome-unknown'>? UNKNOWN</h2>"),
    }
    _report = reading.answer.report if reading.answer else None
    mo.vstack(
        [
            _signs[_report.outcome if _report else "unknown"],
            wording.verdict(reading),
            *(wording.wrong(_report) if _report else []),
        ],
        gap=0.3,
    )
    return


@app.cell(hide_code=True)
def rates_heading(answer):
    mo.md(
        "## Has a value, of the rows completed since the cutover"
        if answer.cutover
        else "## Has a value, of the completed rows"
    )
    return


@app.cell(hide_code=True)
def rates(answer):
    mo.hstack(
        [
            mo.vstack(
                [
                    *card,
                    answer.pictures.sparklines[card.column],
                ]
            )
            for card in wording.rate_cards(answer.report)
        ]
    )
    return


@app.cell(hide_code=True)
def content(answer):
    # the rates tell nothing of rows that are gone, nor of values that are others
    mo.md(wording.content(answer.report))
    return


@app.cell(hide_code=True)
def dropped_heading(answer):
    mo.md("## Columns that were to go" if answer else "")
    return


@app.cell(hide_code=True)
def dropped(answer):
    mo.hstack([mo.vstack(card) for card in wording.dropped_cards(answer.report)])
    return


@app.cell(hide_code=True)
def read(reading, refresh):
    # Not of `answer`, which a page has none of yet that was opened while nothing could be read: it reads again by this.
    _told = [wording.provenance(reading.answer, reading.age)] if reading.answer else []
    mo.vstack([*_told, refresh], gap=0.25)
    return


@app.cell(hide_code=True)
def trends_heading(answer):
    mo.md("## Before and since the cutover" if answer.cutover else "## Over time")
    return


@app.cell(hide_code=True)
def trends(answer):
    mo.vstack(answer.pictures.trends)
    return


@app.cell(hide_code=True)
def checks(answer):
    mo.vstack(
        [
            mo.md("## Checks"),
            mo.ui.table(
                wording.check_rows(answer.report),
                selection=None,
                page_size=20,
                show_column_summaries=False,
                show_download=False,
                wrapped_columns=["found", "what to do"],
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def files(answer):
    mo.vstack(
        [
            mo.md("## Take it away"),
            mo.hstack(
                [
                    mo.download(file.make, filename=file.name, mimetype=file.kind, label=file.label)
                    for file in wording.downloads(answer.report)
                ],
                wrap=True,
                justify="start",
            ),
        ]
    )
    return


@app.cell(hide_code=True)
def refresh_control():
    refresh = mo.ui.refresh(options=["30s", "1m", "5m", "15m"], default_interval="30s", label="Read again every")
    return (refresh,)


@app.cell(hide_code=True)
def latest(refresh):
    refresh.value
    reading = shared.latest()
    return (reading,)


@app.cell(hide_code=True)
def known(reading):
    mo.stop(reading.answer is None)
    answer = reading.answer
    return (answer,)


if __name__ == "__main__":
    app.run()
