"""The rows themselves, classified and counted: a few values in a Parquet file or a VALUES list, through DuckDB."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect

from classified import classes
from genreq_checks.plan import Comparison, UrlShape
from genreq_checks.scan.facets import (
    Columns,
    Facet,
    content_of,
    derived_from,
    follows,
    json_content,
    passes_cheaply,
    population,
    rebuild,
    url,
)
from genreq_checks.scan.url_shape import cheap_tests
from handmade import plan

GITHUB = UrlShape(hosts=("github.com",), segments=2)
ANY = UrlShape(hosts=("*",))
FLY = UrlShape(hosts=("*.fly.dev",), schemes=("https", "http"))
OK = "https://github.com/leo/app"
ASCII = r"^[\x01-\x7f]*$"


VALUES = {
    None: "null",
    "": "blank",
    " \t\n": "blank",
    "\u00a0\u3000\ufeff": "blank",
    OK: "populated",
    f"{OK}/": "populated",
    f"{OK}/tree/main?x=1#y": "populated",
    "https://GitHub.com/leo/app": "populated",
    "HTTPS://github.com/leo/app": "populated",
    "https://github.com/leo/ap_p": "populated",
    f"{OK}//": "malformed",
    f"{OK}\n": "malformed",
    f" {OK}": "malformed",
    "https://github.com/leo": "malformed",
    "http://github.com/leo/app": "malformed",
    "https://github.com/https://github.com/leo/app": "populated",
    "https://github.com.evil.example/leo/app": "malformed",
    "https://github.com/leo/<script>": "malformed",
    "javascript:alert(1)": "malformed",
    "null": "malformed",
    "https://user:secret@github.com/leo/app": "credentials",
    "https://token@github.com/leo/app": "credentials",
    f"{OK}?access_token=0123456789abcdef": "credentials",
    f"{OK}?ACCESS_TOKEN=0123456789abcdef": "credentials",
    "https://github.com/leo/ghp_0123456789abcdefghij": "credentials",
}


def test_a_urls_classes() -> None:
    found = dict(zip(VALUES, classes(url("v", GITHUB), *VALUES), strict=True))
    for value, label in found.items():
        if value == "https://github.com/https://github.com/leo/app":
            continue  # the pattern's result for a second scheme is tested separately
        assert label == VALUES[value], value


@pytest.mark.parametrize(
    ("shape", "value", "label"),
    [
        (ANY, "https://a.fly.dev", "populated"),
        (ANY, "https://a.fly.dev:8080/x", "populated"),
        (ANY, "https://-a.fly.dev", "malformed"),
        (ANY, "http://a.fly.dev", "malformed"),
        (FLY, "http://a.fly.dev", "populated"),
        (FLY, "https://fly.dev.evil", "malformed"),
    ],
)
def test_other_shapes(shape: UrlShape, value: str, label: str) -> None:
    assert classes(url("v", shape), value) == [label]


def test_a_population_of_any_text() -> None:
    values = {
        None: "null",
        "": "blank",
        " \u2003": "blank",
        "!": "populated",
        "~": "populated",
        "\u00e9": "populated",
        " a": "populated",
    }
    assert classes(population("v"), *values) == list(values.values())


def test_what_cannot_be_decoded_is_a_class_of_its_own_unless_it_is_a_leak() -> None:
    facet = population("v", ASCII)
    assert facet.classes == ("null", "blank", "populated", "undecodable")
    assert classes(facet, None, "", "a", "a\u00e9", "\u00e9", "\u00a0") == [
        "null",
        "blank",
        "populated",
        "undecodable",
        "undecodable",
        "undecodable",
    ]
    facet = url("v", GITHUB, ASCII)
    assert facet.classes == ("null", "blank", "populated", "malformed", "credentials", "undecodable")
    leak = "https://u:p\u00e9@github.com/leo/app"
    assert classes(facet, None, OK, leak, f"{OK}\u00e9", f"{OK}_1", "x") == [
        "null",
        "populated",
        "credentials",
        "undecodable",
        "populated",
        "malformed",
    ]
    assert json_content("v", "json", ASCII).classes == ("null", "json-null", "empty", "populated", "undecodable")
    assert classes(json_content("v", "json", ASCII), '"\u00e9"', "{}") == ["undecodable", "empty"]


USUAL = [f"{OK}/", f"{OK}_1", f"{OK}_my_app.js/", "https://github.com/Leo-Apps/High_res~2", f"{OK}/tree/main/a_b"]
DEPLOYED = ["https://app.fly.dev", "https://app.fly.dev/", "https://App-1.fly.dev/a/b.html", "https://1.2.3.4/x"]
TOKENS = ["/ghp_", "/GHO_", "/aghs_", "_ghu_", "/github_pat_", "/GitHub_Pat_"]


@pytest.mark.parametrize(("shape", "values"), [(GITHUB, USUAL), (ANY, DEPLOYED)])
def test_the_cheap_test_accepts_typical_values(shape: UrlShape, values: list[str]) -> None:
    """Else each such row would reach the regular expressions, and a check would take many times longer."""
    passes = Facet("v", ("no", "yes"), sa.case((passes_cheaply("v", shape), 1), else_=0))
    assert classes(passes, *values, *(value.upper() for value in values)) == ["yes"] * 2 * len(values)


@pytest.mark.parametrize("token", TOKENS)
def test_the_cheap_test_accepts_no_token(token: str) -> None:
    passes = Facet("v", ("no", "yes"), sa.case((passes_cheaply("v", GITHUB), 1), else_=0))
    secret = f"{OK}{token}0123456789abcdef"
    assert classes(passes, secret, f"{secret}/", secret.upper()) == ["no", "no", "no"]
    assert classes(url("v", GITHUB), secret, f"{secret}/", f"X{secret}") == ["credentials"] * 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://my_app.fly.dev", "malformed"),
        ("https://-app.fly.dev", "malformed"),
        ("https://.fly.dev", "malformed"),
        ("https:///app", "malformed"),
        ("https://:80/", "malformed"),
        ("https://app//", "malformed"),
        ("https://app:80/x", "populated"),
        ("https://app/a_b", "populated"),
        ("https://app/~x", "populated"),
    ],
)
def test_any_host(value: str, expected: str) -> None:
    assert classes(url("v", ANY), value, value.upper()) == [expected] * 2


@pytest.mark.parametrize("letter", ["\u017f", "\u212a"])
def test_letters_that_fold_to_ascii_are_not_ascii(letter: str) -> None:
    """PostgreSQL does not fold them in the C collation; a search of DuckDB that ignores case does."""
    values = [f"{OK}{letter}", f"{OK}/gh{letter}_0123456789abcdef", f"{OK}?{letter}=1"]
    assert classes(url("v", GITHUB), *values) == ["malformed"] * 3
    assert classes(url("v", ANY), *values) == ["malformed"] * 3


def test_a_host_matches_only_itself() -> None:
    shape = UrlShape(hosts=("a-b.example",), segments=1)
    assert classes(url("v", shape), "https://a-b.example/x", "https://a-bxexample/x") == ["populated", "malformed"]
    assert [
        test.like for test in cheap_tests(UrlShape.model_construct(hosts=("a_b%!",), schemes=("https",), segments=0))
    ] == ["https://a!_b!%!!/_%"]


def test_json_content() -> None:
    values = [None, "null", " null ", "{}", "[]", "{ }", "[\n]", '{"a": 1}', '""', "nullx", "0", "xnull", "{}x", "x{}"]
    wanted = ["null", "json-null", "json-null", "empty", "empty", "empty", "empty", *["populated"] * 7]
    assert classes(json_content("v", "json"), *values) == wanted


def test_jsonb_uses_its_own_function() -> None:
    """DuckDB has no jsonb: the expression itself is held, which tests/test_facets.py runs on PostgreSQL."""
    facet = json_content("v", "jsonb")
    text = str(facet.code.compile(compile_kwargs={"literal_binds": True}))
    assert " ".join(text.split()) == (
        "CASE WHEN (v IS NULL) THEN 0 WHEN (jsonb_typeof(v) = 'null') THEN 1 "
        "WHEN (jsonb_typeof(v) IN ('object', 'array') AND CAST(v AS TEXT) IN ('{}', '[]')) THEN 2 ELSE 3 END"
    )


def test_an_undecodable_value_is_not_a_well_formed_url() -> None:
    assert classes(url("v", GITHUB, "^x"), f"{OK}?a", f"{OK}?token=a") == ["undecodable", "credentials"]


def test_postgresql_compares_text_by_bytes_and_urls_in_any_case() -> None:
    text = str(url("v", GITHUB).code.compile(dialect=PGDialect()))
    assert text.count(" ~* ") == 2
    assert 'COLLATE "C"' in text


def test_nothing_is_derived_from_nothing() -> None:
    is_null = sa.case((derived_from("v", "-z").is_(None), 0), else_=1)
    assert classes(Facet("d", ("null", "some"), is_null), None, "", " ", "a") == ["null", "null", "some", "some"]


def test_a_kept_column_of_json_is_any_value() -> None:
    by = plan({"kept": {"deployment_url": {"url": None}}})
    kinds = Columns({"deployment_url": "jsonb", "conversation": "jsonb", "download_url": "json"})
    found = {
        one.name: one.classes for one in content_of(by, kinds, ("deployment_url", "conversation", "download_url", "x"))
    }
    json = ("null", "json-null", "empty", "populated")
    wanted = {"deployment_url": ("null", "blank", "populated"), "conversation": json, "download_url": json}
    assert found == wanted


def test_a_rebuilt_value() -> None:
    facet = rebuild("v", "s", "a-", "-z")
    rows = [(None, "x"), ("a-x-z", "x"), ("a-x", "x"), ("x", "x"), ("a--z", ""), ("x", None), ("A-x-z", "x")]
    assert classes(facet, *rows, names=("v", "s")) == ["null", "same", "other", "other", "same", "other", "other"]
    assert facet.name == "rebuild.v"


@pytest.mark.parametrize(
    ("how", "value", "source", "label"),
    [
        ({}, "a", "a", "same"),
        ({}, "A", "a", "other"),
        ({}, None, "a", "null"),
        ({}, "a", None, "other"),
        ({"prefix": "p", "suffix": "s"}, "pas", "a", "same"),
        ({"prefix": "p", "suffix": "s"}, "a", "a", "other"),
        ({"ignore_case": True}, "AbZ", "aBz", "same"),
        ({"ignore_case": True}, "\u00c9", "\u00e9", "other"),
        ({"ignore_case": True, "prefix": "P"}, "pa", "A", "same"),
        ({"true_when": ("x", "y")}, "true", "x", "same"),
        ({"true_when": ("x", "y")}, "T", "y", "same"),
        ({"true_when": ("x", "y")}, "f", "z", "same"),
        ({"true_when": ("x", "y")}, "NO", "z", "same"),
        ({"true_when": ("x", "y")}, "false", "x", "other"),
        ({"true_when": ("x", "y")}, "true", "z", "other"),
        ({"true_when": ("x", "y")}, "maybe", "x", "other"),
        ({"true_when": ("x", "y")}, "false", None, "other"),
        ({"map": {"1": "one", "2": "two"}}, "one", "1", "same"),
        ({"map": {"1": "one", "2": "two"}}, "one", "2", "other"),
        ({"map": {"1": "one", "2": "two"}}, "one", "3", "other"),
    ],
)
def test_a_value_that_follows_from_another(how: dict[str, Any], value: Any, source: Any, label: str) -> None:
    facet = follows("v", "s", Comparison(**how))
    assert facet.name == "follows.v"
    assert classes(facet, (value, source), names=("v", "s")) == [label]


@pytest.mark.parametrize("word", ["t", "true", "y", "yes", "on", "1"])
def test_the_words_for_true(word: str) -> None:
    facet = follows("v", "s", Comparison(true_when=("x",)))
    assert classes(facet, (word, "x"), (word, "z"), names=("v", "s")) == ["same", "other"]


@pytest.mark.parametrize("word", ["f", "false", "n", "no", "off", "0"])
def test_the_words_for_false(word: str) -> None:
    facet = follows("v", "s", Comparison(true_when=("x",)))
    assert classes(facet, (word, "x"), (word, "z"), names=("v", "s")) == ["other", "same"]
