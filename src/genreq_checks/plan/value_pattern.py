"""The expressions that a plan may give for a column's values: what PostgreSQL, DuckDB and Python read alike, and none refuses."""

from __future__ import annotations

import re

LONGEST, MOST_TIMES, MOST_COUNTED = 200, 255, 500
_ATOM = re.compile(
    r"""(?P<bracket>\[\^?(?:[^\]\[\\]|\\[\]\[\\^-])+\])|(?P<escape>\\[dw]|\\[^A-Za-z0-9\s])|(?P<plain>[^\\\[\]{}()|*+?^$])"""
)
_QUANTIFIER = re.compile(r"[*+?]|\{([0-9]{1,3})(?:,([0-9]{0,3}))?\}")


def checked(pattern: str) -> str:
    r"""The pattern, if it is one of those. Raises: ValueError with the reason.

    Letters, digits and signs, escapes of signs, `\d`, `\w`, `.`, sets in brackets, groups, `|` and quantifiers; `{m,n}` only
    behind one character. It is matched with the whole value, so that `^` and `$` are not needed.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"has more than {LONGEST} characters")
    place, depth, counted = 0, 0, 0
    before = "begin"  # what stands before: begin, atom, group, quantifier
    while place < len(pattern):
        atom, quantifier = _ATOM.match(pattern, place), _QUANTIFIER.match(pattern, place)
        if atom is not None:
            before, place = "atom", atom.end()
        elif quantifier is not None and before in ("atom", "group"):
            if quantifier[0].startswith("{"):
                most = max(int(quantifier[1]), int(quantifier[2] or 0))
                counted += most
                if most > MOST_TIMES:
                    raise ValueError(f"repeats a character more than {MOST_TIMES} times")
                if before == "group":
                    raise ValueError("repeats a group by numbers, which is not supported")
            before, place = "quantifier", quantifier.end()
        elif pattern[place] == "(" and not pattern.startswith("(?", place):
            before, place, depth = "begin", place + 1, depth + 1
        elif pattern[place] == ")" and depth:
            before, place, depth = "group", place + 1, depth - 1
        elif pattern[place] == "|":
            before, place = "begin", place + 1
        else:
            raise ValueError(f"cannot have '{pattern[place]}' at character {place + 1}")
    if counted > MOST_COUNTED:
        raise ValueError(f"counts to more than {MOST_COUNTED} in all")
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"is no expression: {error}") from None
    return pattern
