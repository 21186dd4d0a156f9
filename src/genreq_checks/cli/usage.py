"""The message of a wrong call: it has no part of a URL, not even of one that the shell has split into words."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from genreq_checks.errors import StoppedError
from genreq_checks.text import may_hold_secret, redact, redact_ours, secrets_in

_WrongCall: type[Exception] = typer.BadParameter.__mro__[1]  # click's UsageError, wherever Typer imports click from


class Commands(TyperGroup):
    """The commands. A wrong call is reported without the words of a URL; Ctrl-C ends each with one line."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """As in Typer."""
        words = tuple(args)
        with _without(words):
            context = super().make_context(info_name, args, *more, **extra)
        context.meta[__name__] = words
        return context

    def invoke(self, ctx: Any) -> Any:
        """As in Typer. On Ctrl-C the statement in the database was already cancelled."""
        with _without(ctx.meta[__name__]):
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                raise StoppedError("Stopped by Ctrl-C.") from None


@contextmanager
def _without(words: Sequence[str]) -> Iterator[None]:
    """Remove the call's words from the message, if a URL may be among them."""
    try:
        yield
    except _WrongCall as error:
        text = str(getattr(error, "message", ""))
        if any(map(may_hold_secret, words)):
            said = sorted((word for word in words if len(word) > 2 and not word.startswith("-")), key=len, reverse=True)
            for word in said:
                text = text.replace(word, "***")
            text = redact(text, *said)  # also in click's form, in quotes or with its control characters escaped
        vars(error)["message"] = redact(text)
        raise


def known_secrets() -> tuple[str, ...]:
    """The passwords in this call's words and in the environment."""
    given = [*sys.argv[1:], *(value for name, value in os.environ.items() if name.startswith(("LEO_", "GENREQ_")))]
    found = [secret for text in given for secret in secrets_in(text)]
    return (*found, os.environ.get("PGPASSWORD", ""), os.environ.get("GENREQ_TOKEN", ""))


def without_misplaced(message: str) -> str:
    """Our message without a word of the call that holds a password and was given instead of a file."""
    for word in sys.argv[1:]:
        if "://" in word and len(word.split()) > 1:  # a URL with white space is not a URL: no part of it is shown
            message = redact_ours(message, word)
        elif "://" not in word and not re.match(r"\s*\w+\s*=", word):  # other words are recognized by their form
            message = redact_ours(message, *secrets_in(word))
    return message


def told(text: str) -> str:
    """Text for stderr that is not our own message, without this call's passwords."""
    return redact(text, *known_secrets())


def told_traceback(error: BaseException) -> str:
    """The traceback of an error in this tool: the lines of code unchanged, the errors' messages without passwords."""
    secrets = known_secrets()
    lines = traceback.format_exception(error)
    return "".join(part if part.startswith("  File ") else redact(part, *secrets) for part in lines)
