"""What the container sees in an app folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from genreq_checks.errors import UsageError
from genreq_checks.leo.generation.app import inspect_app, to_https

WANTED = "https://github.com/leo/app"


@pytest.mark.parametrize(
    "remote",
    [
        WANTED,
        f"{WANTED}/",
        f"{WANTED}.git",
        f"{WANTED}.git/",
        " https://github.com:443/leo/app.git\n",
        "http://github.com/leo/app",
        "https://GitHub.com/leo/app",
        "https://user:s3cret@github.com/leo/app.git",
        "https://ghp_0123456789abcdef0123@github.com/leo/app",
        "https://github.com/leo/app.git?access_token=s3cret#readme",
        "git@github.com:leo/app.git",
        "git@github.com:/leo/app.git",
        "github.com:leo/app",
        "ssh://git@github.com/leo/app.git",
        "ssh://git@github.com:22/leo/app.git",
        "git://github.com/leo/app.git",
        "git+ssh://git@github.com/leo/app.git",
    ],
)
def test_a_remote_becomes_the_https_address_without_credentials(remote: str) -> None:
    assert to_https(remote) == WANTED


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "/srv/git/app.git",
        "../app.git",
        "C:/code/app",
        "C:\\code\\app",
        "file:///srv/git/app.git",
        "javascript://github.com/leo/app",
        "https://github.com",
        "https://[::1/leo/app",
        "https://github.com:99999/leo/app",
        "git@github.com:leo/app\x1b[31m",
        "https://github.com/leo/<b>app</b>",
        "https://github.com/leo/ghp_0123456789abcdef0123",
        "https://github.com/leo/app\nhttps://evil.example/x/y",
    ],
)
def test_only_an_address_on_a_host_becomes_an_address(remote: str) -> None:
    assert to_https(remote) is None


def make(folder: Path, config: str | None = None, fly: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    if config is not None:
        (folder / ".git").mkdir()
        (folder / ".git" / "config").write_text(config, "utf-8")
    if fly is not None:
        (folder / "fly.toml").write_text(fly, "utf-8")
    return folder


@pytest.mark.parametrize(
    "config",
    [
        f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {WANTED}.git\n\tfetch = x\n',
        f'[remote "upstream"]\nurl = https://github.com/x/y\n[Remote "origin"]\r\nURL="{WANTED}" ; comment\r\n',
        f'[remote "origin"]\n\tpushurl = https://github.com/x/y\n\turl = {WANTED} # here\n\turl = https://github.com/x/y\n',
    ],
)
def test_the_remote_origin_is_read_without_git(tmp_path: Path, config: str) -> None:
    app = inspect_app(make(tmp_path / "app", config, 'app = "leo-app"'))
    assert (app.github_url, app.flyio_url, app.missing) == (WANTED, "https://leo-app.fly.dev", {})


def test_a_worktree_has_the_remote_of_its_repository(tmp_path: Path) -> None:
    main = make(tmp_path / "main", f'[remote "origin"]\n\turl = {WANTED}\n')
    own = main / ".git" / "worktrees" / "side"
    own.mkdir(parents=True)
    (own / "commondir").write_text("../..\n")
    side = make(tmp_path / "side")
    (side / ".git").write_text(f"gitdir: {own}\n")
    assert inspect_app(side).github_url == WANTED


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, "not a git repository"),
        ('[remote "upstream"]\n\turl = https://github.com/x/y\n', "no remote 'origin'"),
        ('[remote "origin"]\n\turl = /srv/git/s3cret.git\n', "not an address on a host"),
    ],
)
def test_without_a_remote_the_reason_is_given(tmp_path: Path, config: str | None, reason: str) -> None:
    app = inspect_app(make(tmp_path / "app", config, 'app = "leo-app"'))
    assert app.github_url is None
    assert reason in app.missing["github_url"]
    assert "s3cret" not in app.missing["github_url"]


def test_no_fly_toml_is_lawful_and_one_without_a_usable_name_is_not(tmp_path: Path) -> None:
    without = inspect_app(make(tmp_path / "a"), WANTED)
    unusable = inspect_app(make(tmp_path / "b", fly='app = "evil.com/#"'), WANTED)
    assert (without.flyio_url, without.lawful) == (None, {"flyio_url"})
    assert (unusable.flyio_url, unusable.lawful) == (None, frozenset())
    assert "fly.toml has no app name" in unusable.missing["flyio_url"]


def test_a_given_address_is_used_unchanged_but_never_with_credentials(tmp_path: Path) -> None:
    assert inspect_app(make(tmp_path / "a"), f"{WANTED}/").github_url == f"{WANTED}/"
    for refused in ("", " ", "https://me:s3cret@github.com/leo/app"):
        with pytest.raises(UsageError) as caught:
            inspect_app(tmp_path / "a", refused)
        assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError, match="does not exist"):
        inspect_app(tmp_path / "nowhere")
