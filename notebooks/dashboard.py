# /// script
# requires-python = ">=3.11"
# dependencies = ["genreq-checks"]
# ///
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

    from genreq_checks.dashboard import failing, shared, wording
    from genreq_checks.dashboard.tables import Table


@app.cell(hide_code=True)
def question():
    mo.md("""
    # Did the clean-up work, and does it still?
    """)
    return


@app.cell(hide_code=True)
def shows(reading):
    _kinds = {"live": "success", "snapshot": "warn", "files": "warn", "sample": "warn", "unread": "danger"}
    _told = wording.banner(reading)
    mo.callout(_told[2], kind=_kinds.get(_told[0], "neutral"), title=_told[1]) if _told else None
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
        "sample": mo.Html("<h2 class='outcome outcome-sample'>SAMPLE DATA</h2>"),
    }
    _outcome, _words = wording.sign(reading)
    _report = reading.answer.report if reading.answer else None
    mo.vstack(
        [
            _signs[_outcome],
            *([_words] if _outcome == "sample" else []),
            wording.verdict(reading),
            *(failing.shared_causes(_report) if _report else []),
        ],
        gap=0.3,
    )
    return


@app.cell(hide_code=True)
def evidence(chosen, others):
    mo.vstack([part for part in (chosen, others) if part is not None], gap=0.5)
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
    _told = [wording.provenance(reading.answer)] if reading.answer else []
    mo.vstack([*_told, refresh], gap=0.25)
    return


@app.cell(hide_code=True)
def phases(answer):
    mo.hstack(
        [
            mo.vstack([f"{'▶ ' if _now else ''}{_name}", _told], gap=0)
            for _name, _told, _now in wording.phases(answer.report)
        ],
        wrap=True,
        justify="start",
    )
    return


@app.cell(hide_code=True)
def trends(answer):
    mo.vstack([mo.md("## Before and after"), answer.pictures.rates, answer.pictures.trends])
    return


@app.cell(hide_code=True)
def requirements(answer):
    mo.vstack(
        [
            mo.md("## What is proved, and what is not"),
            Table(wording.requirement_rows(answer.report), "The plan's requirements"),
        ]
    )
    return


@app.cell(hide_code=True)
def checks(answer):
    mo.vstack(
        [
            mo.md("## Checks"),
            Table(failing.grid_rows(answer.report), "The checks, worst first"),
        ]
    )
    return


@app.cell(hide_code=True)
def runs(answer):
    mo.vstack([mo.md("## The saved runs"), answer.pictures.runs]) if answer.pictures.runs else None
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


@app.cell(hide_code=True)
def view():
    query = mo.query_params()  # a link carries its view: ?check=ID opens that check
    return (query,)


@app.cell(hide_code=True)
def open_checks(answer, query):
    found = failing.failing(answer.report)
    _wanted = query.get("check")
    _names = [one.check for one in found]
    choice = (
        mo.ui.dropdown(
            _names,
            value=_wanted if _wanted in _names else _names[0],
            label="What did not pass",
            allow_select_none=False,
        )
        if _names
        else None
    )
    return choice, found


@app.cell(hide_code=True)
def remember(choice, query):
    if choice is not None and choice.value != query.get("check", next(iter(choice.options))):
        query.set("check", choice.value)
    return


@app.cell(hide_code=True)
def chosen(choice, found):
    def _evidence(one):
        return mo.vstack(
            [
                *one.findings,
                *(
                    [
                        Table(one.rows, one.told),
                    ]
                    if one.rows
                    else [one.told] * bool(one.told)
                ),
                *([mo.plain_text(one.command)] if one.command else []),
                *(
                    [
                        mo.download(
                            lambda: failing.rows_csv(one).encode(),
                            filename=f"{one.check}.csv",
                            mimetype="text/csv",
                            label=f"These rows as CSV: {one.check}",
                        )
                    ]
                    if one.rows
                    else []
                ),
            ],
            gap=0.4,
        )

    _open = [one for one in found if choice is not None and one.check == choice.value]
    chosen = mo.vstack([choice, *map(_evidence, _open)], gap=0.4) if _open else None
    _rest = {one.name.replace("`", "'"): _evidence(one) for one in found if one not in _open}
    others = mo.accordion(_rest, multiple=True) if _rest else None
    return chosen, others


if __name__ == "__main__":
    app.run()
