"""What a plan says of source code: in which files, what must stand there, and what must not."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from genreq_checks.plan.part import Part, Text

MOST_REPETITIONS = 200  # that an expression counts in braces, in all: its search costs so many times the text
_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")


def _as_list(value: Any) -> Any:
    """One text is a list of one."""
    return [value] if isinstance(value, str) else value


def _is_glob(text: str) -> str:
    path = text.removeprefix("!")
    if "\\" in path or path.startswith("/") or {"", ".", ".."} & set(path.split("/")):
        raise ValueError("is a path from the folder of --code on, with / between names, such as 'apps/**/schema.ts'")
    return text


def _is_expression(text: str) -> str:
    """An expression of RE2: there a search takes time in proportion to the text, whatever the expression."""
    counted = sum(max(int(n) for n in found if n) for found in _COUNTED.findall(text))
    if counted > MOST_REPETITIONS:
        raise ValueError(f"counts more than {MOST_REPETITIONS} repetitions in braces")
    if finds(text, b"") is not None:
        raise ValueError("matches the empty text, and so everywhere")
    return text


def finds(expression: str, text: bytes) -> int | None:
    """At which byte the first match of an expression begins; `^` and `$` are ends of lines. None for no match.

    Raises: ValueError for what is no expression.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        at = pc.find_substring_regex(pa.array([text], pa.binary()), pattern=f"(?m){expression}")[0].as_py()
    except pa.ArrowInvalid as error:
        reason = str(error).rpartition("expression: ")[2].replace("(?m)", "", 1)
        raise ValueError(f"is no expression of RE2: {reason}") from None
    return None if at < 0 else int(at)


Glob = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_is_glob)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_is_expression)]
Expressions = Annotated[tuple[Expression, ...], BeforeValidator(_as_list), Field(max_length=20)]


class CodeEvidence(Part):
    """What must stand in the code of some files (each expression in one of them), and what in none. `phase` names the check.

    A file of `files` is one whose path fits a glob and none of those that begin with `!`.
    """

    phase: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    title: Text
    files: Annotated[tuple[Glob, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=20)]
    must_match: Expressions = ()
    must_not_match: Expressions = ()
    remedy: Text | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> CodeEvidence:
        if not (self.must_match or self.must_not_match):
            raise ValueError("give 'must_match' or 'must_not_match'")
        if all(glob.startswith("!") for glob in self.files):
            raise ValueError("'files' only leaves files out")
        return self

    def is_about(self, path: str) -> bool:
        """Is a file, by its path with slashes, one of those that it is about?"""
        parts = path.split("/")
        out = (glob[1:] for glob in self.files if glob.startswith("!"))
        return any(_fits(parts, glob) for glob in self.files) and not any(_fits(parts, glob) for glob in out)


def _fits(parts: list[str], glob: str) -> bool:
    """Does a path fit? `**` is any number of folders; `*`, `?` and `[…]` stay within a name.

    All ways at once, so that no glob takes long: `here` are the numbers of names that the glob so far can have taken.
    """
    here = {0}
    for name in glob.split("/"):
        if name == "**":
            here = set(range(min(here), len(parts) + 1))
        else:
            here = {taken + 1 for taken in here if taken < len(parts) and fnmatchcase(parts[taken], name)}
        if not here:
            return False
    return len(parts) in here
