"""One statement put before one clone: parsed, described and planned, and never run.

Its text goes into the extended protocol's Parse message and nowhere else: that takes one statement, and does nothing.
What is executed is our own `EXPLAIN … EXECUTE` of it, with NULL for each parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from genreq_checks.sources.oracle.rewriting import Variant, variants

NAME = b"genreq_probe"
EXPLAIN = b"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) EXECUTE " + NAME
TEXT = 25  # the OID of text, which a parameter of no known type is taken for
GUESSES = (TEXT, 20, 23, 1184, 1114, 3802, 1700, 701, 2950)  # bigint, integer, times, jsonb, numbers, uuid
MOST_TRIES = 40
_PARAMETER = re.compile(r"\$(\d+)")
# What another type of an untyped parameter may heal: not determined, ambiguous, no such function, mismatch, not a collection.
UNTYPED = frozenset(("42P18", "42725", "42883", "42804", "42P08", "42846", "42809"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a clone says of a statement: its result's columns (name, type, modifier) and its plan, or an error.

    `variant` is the form in which it was understood. Of the error there is the SQLSTATE and the server's message, which
    may quote the statement's own literals.
    """

    columns: tuple[tuple[str, int, int], ...] = ()
    plan: Any = None
    variant: Variant | None = None
    state: str = ""
    message: str = ""

    @property
    def failed(self) -> bool:
        """Was it refused?"""
        return bool(self.state)


def probe(connection: psycopg.Connection[Any], text: str, understood: Variant | None = None) -> Answer:
    """Put a statement before a clone, in the form in which another clone `understood` it, or else in one after the other.

    Raises: psycopg.OperationalError when the clone is gone.
    """
    if understood is not None:
        answer = _ask(connection, understood)
        if not answer.failed or answer.state not in UNTYPED:
            return answer
        retyped = _with_types(connection, Variant(understood.text), answer)
        return answer if retyped.failed else retyped
    first: Answer | None = None
    for variant in variants(text):
        answer = _with_types(connection, variant, _ask(connection, variant))
        if not answer.failed:
            return answer
        first = first or answer
    assert first is not None
    return first


def _with_types(connection: psycopg.Connection[Any], variant: Variant, answer: Answer) -> Answer:
    """Try types for the parameters of which the server cannot tell any."""
    types: list[int] = list(variant.types)
    first = answer
    for _ in range(MOST_TRIES):
        if answer.state == "42P18" and (place := _PARAMETER.search(answer.message)):
            number = int(place[1])
            types += [0] * (number - len(types))
            if types[number - 1]:
                return first
            types[number - 1] = TEXT
        elif answer.state in UNTYPED:
            return _guessed(connection, variant, types, first)
        else:
            return answer
        answer = _ask(connection, Variant(variant.text, tuple(types)))
    return first


def _guessed(connection: psycopg.Connection[Any], variant: Variant, types: Sequence[int], first: Answer) -> Answer:
    numbers = sorted({int(number) for number in _PARAMETER.findall(variant.text)})
    if not numbers or numbers[-1] > 2000:
        return first
    known = list(types) + [0] * (numbers[-1] - len(types))
    trials = [{number: guess for number in numbers if not known[number - 1]} for guess in GUESSES]
    if len(numbers) <= 6:
        trials += [{number: guess} for number in numbers if not known[number - 1] for guess in GUESSES]
    for trial in trials[:MOST_TRIES]:
        chosen = tuple(trial.get(place + 1, known_type) for place, known_type in enumerate(known))
        answer = _ask(connection, Variant(variant.text, chosen))
        if not answer.failed:
            return answer
    return first


def _ask(connection: psycopg.Connection[Any], variant: Variant) -> Answer:
    wire = connection.pgconn
    try:
        text = variant.text.encode()
    except UnicodeEncodeError:
        return Answer(state="22021", message="no UTF-8")
    parsed = wire.prepare(NAME, text, variant.types or None)
    if parsed.status != ExecStatus.COMMAND_OK:
        return _error(parsed)
    try:
        described = wire.describe_prepared(NAME)
        if described.status != ExecStatus.COMMAND_OK:
            return _error(described)
        columns = tuple(
            ((described.fname(n) or b"").decode("utf-8", "replace"), described.ftype(n), described.fmod(n))
            for n in range(described.nfields)
        )
        nulls = b"(" + b",".join([b"NULL"] * described.nparams) + b")" if described.nparams else b""
        planned = wire.exec_params(EXPLAIN + nulls, None)
        if planned.status != ExecStatus.TUPLES_OK:
            return _error(planned)
        plan = json.loads(planned.get_value(0, 0) or b"[]")
        return Answer(columns, plan, variant)
    finally:
        wire.exec_params(b"DEALLOCATE " + NAME, None)


def _error(result: PGresult) -> Answer:
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
    if not state or state.startswith(("08", "57P")):
        raise psycopg.OperationalError("the clone is gone")
    return Answer(state=state, message=message)
