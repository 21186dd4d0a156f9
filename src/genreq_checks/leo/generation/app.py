"""What a container reads in an app folder: the addresses of the repository and of the deployed app, or why one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from genreq_checks.errors import UsageError
from genreq_checks.leo.completion import detect_flyio_url
from genreq_checks.scan.url_shape import CREDENTIALS

_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^\\].*)")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~+-]+)+")
_SECTION = re.compile(r'\[\s*remote\s+"origin"\s*\]', re.IGNORECASE)
_URL = re.compile(r'url\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^#;]*))', re.IGNORECASE)
_LARGEST = 1_000_000  # characters of a .git/config that are read


@dataclass(frozen=True, slots=True)
class App:
    """The addresses that a container can send; None with the reason in `missing`, by the message's field.

    `lawful` are the fields that an app may lack: an app without fly.toml is not deployed.
    """

    github_url: str | None
    flyio_url: str | None
    missing: dict[str, str] = field(default_factory=dict[str, str])
    lawful: frozenset[str] = frozenset()


def inspect_app(folder: Path, github_url: str | None = None) -> App:
    """Read an app folder, without running anything in it; `github_url` replaces the git remote's.

    Raises: UsageError when the folder does not exist, or the URL holds credentials.
    """
    if not folder.is_dir():
        raise UsageError(f"The app folder {folder} does not exist.", "Give the folder that has fly.toml and .git.")
    missing: dict[str, str] = {}
    lawful: frozenset[str] = frozenset()
    if github_url is None:
        github_url, reason = _remote(folder)
        if github_url is None:
            missing["github_url"] = reason
    elif not github_url.strip() or re.search(CREDENTIALS, github_url, re.IGNORECASE):
        raise UsageError("--github-url is blank or holds credentials.", "Write it as https://github.com/owner/name.")
    flyio_url = detect_flyio_url(folder)
    if flyio_url is None:
        there = (folder / "fly.toml").exists()
        missing["flyio_url"] = "fly.toml has no app name that Fly.io accepts" if there else "the app has no fly.toml"
        lawful = lawful if there else frozenset({"flyio_url"})
    return App(github_url, flyio_url, missing, lawful)


def to_https(remote: str) -> str | None:
    """A git remote as the https address that people open: without credentials, port of ssh, `.git` and final slash.

    `git@github.com:o/r.git`, `ssh://git@github.com/o/r` and `https://token@github.com/o/r.git` all give
    `https://github.com/o/r`. None for a folder, a file:// remote, and anything else that is not a host with a path.
    """
    remote = remote.strip()
    if "://" in remote:
        try:
            parts = urlsplit(remote)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        if parts.scheme not in ("https", "http", "ssh", "git", "git+ssh"):
            return None
        path = parts.path
        shown_port = f":{port}" if port and parts.scheme == "https" and port != 443 else ""
    else:
        match = _SCP.fullmatch(remote)
        if match is None or (len(match["host"]) == 1 and match["path"].startswith("/")):  # C:/folder
            return None
        host, path, shown_port = match["host"].lower(), "/" + match["path"].lstrip("/"), ""
    path = path.rstrip("/").removesuffix(".git")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or re.search(CREDENTIALS, path, re.IGNORECASE):
        return None
    return f"https://{host}{shown_port}{path}"


def _remote(folder: Path) -> tuple[str | None, str]:
    """The address of the remote `origin` in a repository's config, or why there is none. Git itself is not run."""
    config = _config(folder / ".git")
    try:
        text = config.read_bytes()[:_LARGEST].decode("utf-8", "replace") if config else ""
    except OSError:
        return None, "the app folder's .git/config cannot be read"
    if config is None:
        return None, "the app folder is not a git repository"
    url: str | None = None
    inside = False
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            inside = bool(_SECTION.match(line))
        elif inside and url is None and (match := _URL.match(line)):
            url = match["quoted"] if match["quoted"] is not None else match["plain"]
    if not url:
        return None, "the app folder's repository has no remote 'origin'"
    address = to_https(url)
    return address, "" if address else "the remote 'origin' of the app folder is not an address on a host"


def _config(git: Path) -> Path | None:
    """The config of a repository by its `.git`: a folder, or in a worktree a file that names one."""
    try:
        if git.is_file():
            named = git.read_bytes()[:4096].decode("utf-8", "replace").strip().removeprefix("gitdir:").strip()
            git = git.parent / named
            common = git / "commondir"
            if common.is_file():
                git = git / common.read_bytes()[:4096].decode("utf-8", "replace").strip()
        config = git / "config"
        return config if config.is_file() else None
    except (OSError, ValueError):
        return None
