"""Which dropped columns a file can keep exactly; the others are an error, or left out where the plan gives them up."""

from __future__ import annotations

from psycopg import sql

from genreq_checks.archive.copying import CopyError, Copying
from genreq_checks.archive.table import Place
from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.text import plural

NOT_READ_BACK = ("22", "42", "0A", "23")  # classes of SQLSTATE of text that the type does not accept


def keepable(copied: Copying, place: Place, plan: Plan) -> list[str]:
    """The dropped columns whose text restores every value; the key's text must do so too.

    Raises: SourceError for a column without this proof, unless the plan gives its values up; CopyError.
    """
    kept: list[str] = []
    for name in (*plan.table.key, *plan.dropped):
        obstacle = _obstacle(copied, place, name)
        what = f"{plan.table.qualified}.{name} is of type {place.column(name).type}: {obstacle}."
        if name in plan.table.key:
            if obstacle:
                raise SourceError(what, "Name another key in the plan (table.key).")
        elif not obstacle:
            kept.append(name)
        elif not plan.dropped[name].given_up:
            raise SourceError(
                what,
                "Keep its values in another way, such as a column of type text; then give them up in the plan "
                f'(dropped.{name}: given_up = "reason"), and the archive leaves them out.',
            )
    if not kept:
        raise SourceError(f"No dropped column of {plan.table.qualified} can be kept: the plan gives all of them up.")
    return kept


def _obstacle(copied: Copying, place: Place, column: str) -> str:
    """Why a column's text may not restore every value; '' when it does."""
    form = place.forms[column]
    if form.refused:
        return f"the text of {form.refused} is the name of another object, and may be read back as a different one"
    if form.is_cast:
        return "a cast between it and text would run a user-defined function"
    if not form.is_tried:
        return ""
    try:
        with copied.beside() as trial:
            wrong = trial.ask(_trial(place, column))
    except CopyError as error:
        if not str(error.sqlstate or "").startswith(NOT_READ_BACK):
            raise
        return f"its text cannot be read back (SQLSTATE {error.sqlstate})"
    assert isinstance(wrong, int)
    return f"the text of {plural(wrong, 'value')} does not restore the same value" if wrong else ""


def _trial(place: Place, column: str) -> str:
    """The statement that counts the values that differ, byte by byte, after conversion to text and back."""
    value = sql.Identifier(column)
    statement = sql.SQL(
        "SELECT count(*) FROM {table} WHERE {value} IS NOT NULL AND NOT (CAST(ROW(CAST({text} AS {type})) AS record) "
        "OPERATOR(pg_catalog.*=) CAST(ROW({value}) AS record))"
    ).format(
        table=place.identifier,
        value=value,
        text=place.as_text(column, value),
        type=sql.Identifier(*place.types[column]),
    )
    return statement.as_string(None)
