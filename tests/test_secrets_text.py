"""How secrets are removed from text, which URLs are rejected, and which objects show no secret in their repr."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import conninfo

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.leo.generation.container import location
from genreq_checks.plan import Plan
from genreq_checks.postgres.connection import parse
from genreq_checks.sources.source_code.excerpt import excerpt
from genreq_checks.text import mask, mask_urls, redact, redact_ours
from leaks import (
    FORMS,
    NOWHERE,
    PASSWORDS,
    TOKEN,
    empty_folder,
    has_token,
    in_libpq_quotes,
    percent_encoded,
    run,
    source,
)

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":"), min_size=1, max_size=8)
HOSTS = st.sampled_from(["db.example", "127.0.0.1", "::1", "a,b", "/run/postgresql", "/tmp/a b"])
# In the others nothing says where a password with a space ends; they are refused before anybody else is told them.
TOLD = [form for form in FORMS if not form.startswith(("no scheme", "url, no host", "query, as", "query, wrong"))]
AROUND = ["{}", 'could not connect to "{}": refused', "SOURCE {} is not there.", "({})", "{}, and alice@example.org"]


@pytest.mark.parametrize("around", AROUND)
@given(where=st.builds(source, st.sampled_from(TOLD), PASSWORDS))
def test_no_source_in_a_message_keeps_its_password(around: str, where: str) -> None:
    assert not has_token(redact(around.format(where)))


@given(
    password=PASSWORDS,
    before=st.sampled_from(["", "bob:", ":", "a/b:", "a@b:"]),
    after=st.sampled_from(["", "/db", "/x@y"]),
)
def test_everything_in_a_url_up_to_its_last_at_sign_is_hidden(password: str, before: str, after: str) -> None:
    for scheme in ("postgresql", "https", "ws"):
        told = redact(f'at "{scheme}://{before}{password}@host{after}" there')
        assert not has_token(told)
        assert told.startswith(f'at "{scheme}://')
        assert told.endswith(f'***@{f"host{after}".rpartition("@")[2]}" there')


@given(
    password=PASSWORDS,
    name=st.sampled_from(["password", "PGPASSWORD", "sslpassword", "oauth_client_secret", "access_token"]),
)
def test_the_value_of_a_secret_name_is_hidden(password: str, name: str) -> None:
    for text in (f"host=h {name}={in_libpq_quotes(password)} dbname=d", f"host=h {name} = {password} dbname=d"):
        told = redact(text)
        assert not has_token(told)
        assert told.startswith(f"host=h {name}")
        assert told.endswith("*** dbname=d")
    assert not has_token(redact(f"https://h/x?a=b&{name}={percent_encoded(password)}&c=d"))


@given(password=PASSWORDS.filter(lambda text: "\udc80" not in text))
def test_a_known_secret_is_hidden_in_every_form_and_in_pieces(password: str) -> None:
    forms = (password, percent_encoded(password), repr(password), " ".join(password.split()), in_libpq_quotes(password))
    pieces = (part for sign in "/@:#?% \n'\"" for part in password.split(sign))
    for form in (*forms, *pieces):
        assert not has_token(redact(f'database "{form}" does not exist', password)), form


@given(user=st.one_of(st.just(""), NAMES), host=HOSTS, port=st.sampled_from(["", "5432"]), name=NAMES)
def test_the_shown_parts_of_a_database_url_do_not_change(user: str, host: str, port: str, name: str) -> None:
    given = {"user": user, "host": host, "port": port, "dbname": name}
    try:
        shown = parse(conninfo.make_conninfo("", **{key: value for key, value in given.items() if value})).location
    except UsageError:
        return  # the name looks like a URL
    for around in AROUND:
        assert redact_ours(around.format(shown), "another word") == around.format(shown)
    assert quote(user, safe="") in shown
    assert quote(name, safe="") in shown
    assert port in shown


@pytest.mark.parametrize(
    "text",
    [
        "Write it as ws://host:port/wsi.",
        "Give postgresql://user@host/database, a snapshot (.json) or row files (.parquet, .csv).",
        "See https://github.com/leo/app?tab=readme, and mail a@b.c.",
        "The password is missing: set PGPASSWORD.",
        "postgres:// is another name of it.",
    ],
)
def test_text_without_a_secret_does_not_change(text: str) -> None:
    assert redact_ours(text, "x", "", "post") == text.replace("post", "***")


def test_hiding_does_not_reveal_a_password_that_is_a_common_word() -> None:
    target = parse("postgresql://postgres:postgres@h/leo")
    assert target.secrets == ()
    assert redact_ours("the database server", "database", "server") == "the database server"


@pytest.mark.parametrize(
    "piece", ["a", "?", " ", "password=", "postgres:/", "a://", "x://[", "ws://a:b ", "'\\", "?token", "a.-"]
)
def test_text_of_any_length_is_redacted_in_time(piece: str) -> None:
    started = time.monotonic()
    redact(piece * (200_000 // len(piece)))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "value", [f"https://bob:12/{TOKEN}@h/x", f"https://bob:{TOKEN}/{TOKEN}@h/x", f"https://b:x{TOKEN}@h"]
)
def test_a_masked_value_shows_no_part_of_a_password(value: str) -> None:
    for shown in (mask(value, len(value), False), mask_urls(f"expected {value} here"), excerpt(f"url = '{value}'")):
        assert not has_token(shown)
        assert "bob:12" not in shown


def test_masked_urls_keep_their_hosts() -> None:
    assert mask("https://u:p@a.b:80/c?d", 22, False) == "https://***@a.b:80/***?***"
    assert mask_urls("from https://a.b:80/c to http://d?f") == "from https://a.b:80/*** to http://d/***"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("a/b", "The database URL has an unescaped '/' in its user or password. Write it as %2F"),
        ("a?b", "an unescaped '?' in its user or password. Write it as %3F"),
        ("a#b", "an unescaped '#' in its user or password. Write it as %23"),
        ("a@b", "more than one '@'. Write an '@' in the password as %40"),
        ("a b", "white space"),
        ("a\nb", "white space"),
        ("a%b", "an unescaped '%' in its user or password. Write it as %25"),
        ("a\x1bb", "control character"),
        pytest.param("a\udc80b", "not UTF-8", id="surrogate"),
    ],
)
def test_an_unescaped_url_is_rejected_with_what_to_write(password: str, words: str) -> None:
    with empty_folder():
        for command in (("check",), ("dashboard",), ("review", "--headless")):
            told = run(*command, f"postgresql://bob:{password}@{NOWHERE}/db")
            assert words in told
            assert "exit code 2" in told
            assert len([line for line in told.split("\n") if line.startswith("genreq-checks: ")]) == 1
            assert "Traceback" not in told
    with pytest.raises(UsageError, match=r"--server (has|is|contains) "):
        location(f"ws://bob:{password}@{NOWHERE}/wsi")


@pytest.mark.parametrize("url", ["postgresql://h/db@x", "postgresql://h/db?user=bob@x", "postgresql://bob:12/x@h/db"])
def test_a_url_that_can_be_read_in_two_ways_is_rejected(url: str) -> None:
    with pytest.raises(UsageError, match=r"an unescaped '/' in its user or password.*'@' after the host as %40"):
        parse(url)


@pytest.mark.parametrize(
    "password", ["a:b", "a[b]c", 'a"b', "a'b", "a\\b", "a$b!", "a%2Fb%40%23%3F%20%25c", "ä漢", "a+b"]
)
def test_a_correctly_escaped_password_is_read_as_by_libpq(password: str) -> None:
    for url in (f"postgresql://bob:{password}@h:5/db", f"postgresql://h:5/db?user=bob&password={password}"):
        given, ours = conninfo.conninfo_to_dict(url), parse(f"{url}\n")
        assert {name: ours.parameters[name] for name in given} == given
        assert ours.location == "postgresql://bob@h:5/db"


@pytest.mark.parametrize(
    "url", ["postgresql://bob@h/d", "postgresql://h/d", "postgresql://[::1]:5433/a%20b", "postgresql://a,b/d"]
)
def test_a_url_without_a_password_is_shown_completely(url: str) -> None:
    assert parse(url).location == url


def test_pg_dump_is_never_given_a_secret_by_its_arguments() -> None:
    from genreq_checks.scratch.dump import without_password

    words, environment = without_password(parse(f"postgresql://bob:{TOKEN}@h/d").parameters, {})
    assert not has_token(words)
    assert environment == {"PGPASSWORD": TOKEN}
    for name in ("sslpassword", "oauth_client_secret"):
        with pytest.raises(SourceError):
            without_password({"host": "h", name: TOKEN}, {})


def test_no_object_shows_a_password_in_its_repr(database: str, plan: Plan, tmp_path: Path) -> None:
    from genreq_checks.archive import write_archive
    from genreq_checks.archive.target import examine
    from genreq_checks.dashboard.access import Rules
    from genreq_checks.leo.generation.store import open_store
    from genreq_checks.scratch.database import Scratch

    url = f"{database}&password={TOKEN}"
    write_archive(plan, url, tmp_path / "a.parquet")
    goal = examine(plan, tmp_path / "a.parquet", url)
    assert not has_token(repr([parse(url), open_store(plan, url), goal, Rules(TOKEN), Scratch(url, False, "")]))
