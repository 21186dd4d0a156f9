"""The completion message and what it changes in a row: the plan's phases 1 to 3 as an executable specification.

The container sends `all_work_complete` when a generation ends; the server turns it into an update of one row.
Everything here is pure except `detect_flyio_url`, which reads one file.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from genreq_checks.errors import SourceError, UsageError

MESSAGE_TYPE: Final = "all_work_complete"
CANCELLED: Final = "cancelled"
ARTIFACTS_SUFFIX: Final = "-artifacts"

# One DNS label, because the name becomes a host name; Fly.io takes lowercase letters, digits and dashes.
_FLY_APP_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

# The message's fields that the plan's handler copies as they are, and the columns they go to.
_COPIED = {"github_url": "github_url", "flyio_url": "deployment_url", "session_id": "last_session_id"}


class AllWorkCompleteMessage(BaseModel):
    """What the container says when a generation has ended, with the `flyio_url` that the plan adds.

    A field that was not sent and a field that was sent as null are both None here, and `==` does not distinguish
    them; only the latter is in `model_fields_set`, and the row differs (see `row_values`). Any field may be missing,
    since the server accepts that too. Types are strict, unknown fields are kept, and `total_duration` is in the
    sender's unit.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, hide_input_in_errors=True, allow_inf_nan=False)

    type: Literal["all_work_complete"] = MESSAGE_TYPE
    completion_reason: str | None = None
    app_path: str | None = None
    total_iterations: int | float | None = None
    session_id: str | None = None
    github_url: str | None = None
    flyio_url: str | None = None
    s3_url: str | None = None
    download_url: str | None = None
    total_duration: int | float | None = None

    def model_post_init(self, context: object, /) -> None:
        """Count `type` as set, so that it is never missing from what is sent."""
        self.model_fields_set.add("type")

    def to_json(self) -> str:
        """The message as it is sent: one line of ASCII JSON without the fields that are not set."""
        return json.dumps(self.model_dump(exclude_unset=True), allow_nan=False)


def parse_message(decoded: object) -> AllWorkCompleteMessage:
    """The completion message in a decoded JSON value, such as one line of a recording.

    Raises: SourceError for anything that is not such a message; it names the fields at fault, never their
    values.
    """
    if not isinstance(decoded, dict) or cast("dict[str, object]", decoded).get("type") != MESSAGE_TYPE:
        raise SourceError(f"This is not an {MESSAGE_TYPE} message.", "It must be an object with that `type`.")
    try:
        return AllWorkCompleteMessage.model_validate(decoded)
    except ValidationError as error:
        # Raised below, outside of the handler: otherwise the original, with the values, would be its context.
        fields = sorted({str(problem["loc"][0]) for problem in error.errors(include_input=False) if problem["loc"]})
    raise SourceError(
        f"An {MESSAGE_TYPE} message has fields of the wrong type: {', '.join(fields)}.",
        "Text fields must be a string or null, counts a finite number or null.",
    )


def create_all_work_complete_message(
    completion_reason: str,
    app_path: str,
    total_iterations: int,
    session_id: str | None = None,
    total_duration: int | None = None,
    github_url: str | None = None,
    s3_url: str | None = None,
    flyio_url: str | None = None,
) -> AllWorkCompleteMessage:
    """The message that the container sends, with the plan's parameters in the plan's order.

    None means not set: the field is missing on the wire, not null. An empty string is sent. Types are those
    of `AllWorkCompleteMessage`.

    Raises: pydantic.ValidationError, which does not show the values, for an argument of another type.
    """
    given: dict[str, object] = {
        "completion_reason": completion_reason,
        "app_path": app_path,
        "total_iterations": total_iterations,
        "session_id": session_id,
        "total_duration": total_duration,
        "github_url": github_url,
        "s3_url": s3_url,
        "flyio_url": flyio_url,
    }
    return AllWorkCompleteMessage.model_validate({name: value for name, value in given.items() if value is not None})


def derive_artifacts_github_url(github_url: str | None, *, suffix: str = ARTIFACTS_SUFFIX) -> str | None:
    """The artifacts URL that belongs to a repository URL: without one trailing slash, with the suffix.

    Nothing is derived (None) from None or from the empty string; from a blank string a value is derived. This is
    exactly the plan's JavaScript: only a slash that is the last character is removed, not one before a newline.
    """
    return github_url.removesuffix("/") + suffix if github_url else None


def detect_flyio_url(app_folder: Path) -> str | None:
    """The public address of the app in a folder, `https://{app}.fly.dev`, by the `app` key of its `fly.toml`.

    None when the address is not certain: no such file, not readable, not TOML, no `app`, or one that Fly.io does not
    accept as a name. The file is generated, so its text is not trusted: a name such as `evil.com/#` would put another
    host into a link that people click. Many apps have no address, and that must not stop a completion, so nothing is
    raised.
    """
    path = app_folder / "fly.toml"
    try:
        if not path.is_file():  # a named pipe would block the reader
            return None
        with path.open("rb") as file:
            settings = tomllib.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    name = settings.get("app")
    if not isinstance(name, str) or not _FLY_APP_NAME.fullmatch(name):
        return None
    return f"https://{name}.fly.dev"


def row_values(message: AllWorkCompleteMessage, now: datetime, *, suffix: str = ARTIFACTS_SUFFIX) -> dict[str, object]:
    """The columns that the plan's server handler sets for a message, and their values.

    A column that is not a key does not change (the field was missing), None clears it, and '' is stored.
    `completed_at` is `now` in UTC without an offset, since the column has none. The reason `cancelled` makes the
    row `paused` and does not set `completed_at`. `artifacts_github_url` is always a key: the plan writes null
    also where github_url is missing, which is its defect (see `breaks_derivation`). The values are those for the
    database driver; PostgreSQL itself rejects NUL characters.

    Raises: UsageError when `now` has no offset.
    """
    if now.utcoffset() is None:
        raise UsageError("The time of completion has no offset.", "Give an aware datetime, such as datetime.now(UTC).")
    values: dict[str, object] = {"status": "paused"}
    if message.completion_reason != CANCELLED:
        values = {"status": "completed", "completed_at": now.astimezone(UTC).replace(tzinfo=None)}
    for field, column in _COPIED.items():
        if field in message.model_fields_set:
            values[column] = getattr(message, field)
    values["artifacts_github_url"] = derive_artifacts_github_url(message.github_url, suffix=suffix)
    return values


def breaks_derivation(message: AllWorkCompleteMessage, stored_github_url: str | None) -> bool:
    """Does the plan's handler break the derivation rule with this message, given the row's github_url?

    It does when the message has no github_url field and the row has a github_url: that stays, and
    artifacts_github_url is cleared. Nothing is derived from a stored None or '', so nothing breaks.
    """
    return "github_url" not in message.model_fields_set and derive_artifacts_github_url(stored_github_url) is not None
