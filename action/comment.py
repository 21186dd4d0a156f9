"""Write the report into the pull request: one comment for each table and phase, created once and then updated.

The repository, the pull request and the token are in the environment, as the action gives them. A comment that cannot be
written is a warning and not a failure: a pull request from a fork has no right to write.
"""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from genreq_checks.outputs.markdown import render
from genreq_checks.report import Report

LIMIT = 65_000  # bytes; GitHub refuses a comment of more than 65,536 characters
PAGES, EACH = 30, 100


def call(method: str, path: str, body: object = None) -> Any:
    """Call GitHub's API; what it answers."""
    request = Request(  # noqa: S310 - the address is the runner's own variable
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def earlier(marker: str, author: str) -> int | None:
    """The id of the author's comment that begins with the marker."""
    for page in range(1, PAGES + 1):
        found = call("GET", f"issues/{int(os.environ['PULL_REQUEST'])}/comments?per_page={EACH}&page={page}")
        for one in found:
            if one["user"]["login"] == author and one["body"].startswith(marker):
                return int(one["id"])
        if len(found) < EACH:
            return None
    return None


def main() -> None:
    """Write the comment, or say why not."""
    file = Path(sys.argv[1])
    if not file.is_file():
        print("::warning::There is no report, so no comment was written.")
        return
    report = Report.model_validate_json(file.read_bytes())
    marker = f"<!-- genreq-checks {report.plan.table} {report.phase} -->".replace("\n", " ")
    body = {"body": f"{marker}\n{render(report, LIMIT - len(marker.encode()))}"}
    try:
        comment = earlier(marker, os.environ["AUTHOR"])
        if comment is None:
            call("POST", f"issues/{int(os.environ['PULL_REQUEST'])}/comments", body)
        else:
            call("PATCH", f"issues/comments/{comment}", body)
    except HTTPError as error:
        print(f"::warning::The comment was not written: GitHub answered {error.code}.")
    except (OSError, HTTPException, ValueError, KeyError) as error:
        print(f"::warning::The comment was not written: {type(error).__name__}.")


if __name__ == "__main__":
    main()
