"""An extension that the clone's server does not have, as stubs: types over text, functions that return NULL, operators, casts.

A statement is parsed and planned with them as with the real ones; its result would differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from genreq_checks.scratch.members import ClassMember, Extension, FunctionMember, RelationMember, TypeMember
from genreq_checks.scratch.stand_ins import Stub
from genreq_checks.text import quote_name

_VOLATILITY = {"i": "IMMUTABLE", "s": "STABLE", "v": "VOLATILE"}
_BTREE = {1: "bytealt", 2: "byteale", 3: "byteaeq", 4: "byteage", 5: "byteagt", 0: "byteacmp"}  # 0: the support
_HASH = {1: "byteaeq", 0: "hashvarlena"}
_CONTEXT = {"i": " AS IMPLICIT", "a": " AS ASSIGNMENT", "e": ""}
_RANDOM_BYTES = (
    "SELECT pg_catalog.substr(pg_catalog.decode(pg_catalog.string_agg(pg_catalog.replace("
    "pg_catalog.gen_random_uuid()::text, '-', ''), ''), 'hex'), 1, $1) "
    "FROM pg_catalog.generate_series(1, ($1 + 15) / 16)"
)
# A default that must not be NULL needs a value: (name, types of the arguments) → the body in SQL.
_REAL = {
    ("gen_random_bytes", "integer"): _RANDOM_BYTES,
    ("uuid_nil", ""): "SELECT '00000000-0000-0000-0000-000000000000'::uuid",
    ("uuid_generate_v3", "uuid, text"): "SELECT pg_catalog.md5($1::text || $2)::uuid",
    ("uuid_generate_v5", "uuid, text"): "SELECT pg_catalog.md5($1::text || $2)::uuid",
}


def stubs(extension: Extension) -> Iterator[Stub]:
    """The statements, in an order in which most of them succeed; those that fail may be tried again at the end."""
    for schema in dict.fromkeys((extension.schema, *extension.schemas)):
        yield Stub("", f"CREATE SCHEMA IF NOT EXISTS {quote_name(schema)}")
    base = [one for one in extension.types if one.kind == "b"]
    for one in base:
        yield Stub("", f"CREATE TYPE {quote_name(one.schema, one.name)}")  # a shell type, so that others may name it
    for one in base:
        yield from _base_type(one)
    for one in extension.types:
        if one.kind != "b":
            yield Stub(quote_name(one.schema, one.name), _other_type(one))
    for relation in extension.relations:
        yield Stub(quote_name(relation.schema, relation.name), _relation(relation))
    compares = _comparing(extension)
    for function in extension.functions:
        if function.oid in compares:
            yield _internal(function, compares[function.oid])
        else:
            yield from _function(function)
    for operator in extension.operators:
        left = f"LEFTARG = {operator.left}, " if operator.has_left else ""
        of = quote_name(operator.function_schema, operator.function)
        name = f"{quote_name(operator.schema)}.{operator.name}"
        yield Stub("", f"CREATE OPERATOR {name} ({left}RIGHTARG = {operator.right}, FUNCTION = {of})")
    for one_class in extension.classes:
        yield from _operator_class(one_class)
    for cast in extension.casts:
        how = f"WITH FUNCTION {cast.function}" if cast.function else "WITH INOUT"
        yield Stub("", f"CREATE CAST ({cast.source} AS {cast.target}) {how}{_CONTEXT[cast.context]}")


def _comparing(extension: Extension) -> dict[int, str]:
    """The functions by which values of the extension's own types are compared, and what compares them as bytes."""
    base = {f"{one.schema}.{one.name}" for one in extension.types if one.kind == "b"}
    found: dict[int, str] = {}
    for one in extension.classes:
        if one.type.replace('"', "") in base:
            by_strategy = _BTREE if one.method == "btree" else _HASH
            for strategy, function in zip(one.strategies, one.functions, strict=True):
                found[function] = by_strategy[strategy]
            if one.support is not None:
                found[one.support] = by_strategy[0]
    return found


def _internal(one: FunctionMember, name: str) -> Stub:
    declared = f"{quote_name(one.schema, one.name)}({one.types}) RETURNS {one.result}"
    how = f"LANGUAGE internal IMMUTABLE STRICT AS '{name}'"
    return Stub(quote_name(one.schema, one.name), f"CREATE FUNCTION {declared} {how}")


def _operator_class(one: ClassMember) -> Iterator[Stub]:
    """What lets values of the type be ordered, grouped and unique."""
    if one.support_name is None:
        return
    operators = zip(one.strategies, one.operator_schemas, one.operators, strict=True)
    parts = [f"OPERATOR {strategy} {quote_name(schema)}.{name}" for strategy, schema, name in operators]
    parts.append(f"FUNCTION 1 {one.support_name}")
    head = f"CREATE OPERATOR CLASS {quote_name(one.schema, one.name)} {'DEFAULT ' if one.is_default else ''}"
    yield Stub("", f"{head}FOR TYPE {one.type} USING {one.method} AS {', '.join(parts)}")


def _base_type(one: TypeMember) -> Iterator[Stub]:
    """A type that is stored and shown like text. Its modifier may be anything, and is only counted."""
    name = quote_name(one.schema, one.name)
    give, take = (quote_name(one.schema, f"genreq_{one.name[:40]}_{way}") for way in ("in", "out"))
    yield Stub("", f"CREATE FUNCTION {give}(cstring) RETURNS {name} LANGUAGE internal IMMUTABLE STRICT AS 'textin'")
    yield Stub("", f"CREATE FUNCTION {take}({name}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'")
    parts = [f"INPUT = {give}", f"OUTPUT = {take}", "LIKE = pg_catalog.text", f"CATEGORY = '{one.category}'"]
    if one.takes_modifier:
        count = quote_name(one.schema, f"genreq_{one.name[:40]}_modifier")
        how = "LANGUAGE internal IMMUTABLE STRICT AS 'array_cardinality'"
        yield Stub("", f"CREATE FUNCTION {count}(cstring[]) RETURNS integer {how}")
        parts.append(f"TYPMOD_IN = {count}")
    if one.collatable:
        parts.append("COLLATABLE = true")
    yield Stub(name, f"CREATE TYPE {name} ({', '.join(parts)})")


def _other_type(one: TypeMember) -> str:
    name = quote_name(one.schema, one.name)
    if one.kind == "e":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(_text(label) for label in one.labels)})"
    if one.kind == "d":
        return f"CREATE DOMAIN {name} AS {one.base}{' NOT NULL' if one.required else ''}"
    if one.kind == "r":
        return f"CREATE TYPE {name} AS RANGE (SUBTYPE = {one.range_of})"
    fields = zip(one.fields, one.field_types, strict=True)
    return f"CREATE TYPE {name} AS ({', '.join(f'{quote_name(field)} {type_}' for field, type_ in fields)})"


def _relation(one: RelationMember) -> str:
    name = quote_name(one.schema, one.name)
    if one.kind == "S":
        return f"CREATE SEQUENCE {name}"
    fields = zip(one.fields, one.field_types, strict=True)
    return f"CREATE TABLE {name} ({', '.join(f'{quote_name(field)} {type_}' for field, type_ in fields)})"


def _function(one: FunctionMember) -> Iterator[Stub]:
    """A function with the same arguments and result. One that only C can call is not used in a statement, and is left out."""
    name = quote_name(one.schema, one.name)
    if one.is_internal or one.kind == "w":
        return
    if one.kind == "a":
        step = quote_name(one.schema, f"genreq_{one.name[:40]}_step")
        taken = f", {one.types}" if one.types else ""
        body = f"RETURNS {one.returns} LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        yield Stub("", f"CREATE OR REPLACE FUNCTION {step}({one.returns}{taken}) {body}")
        yield Stub(name, f"CREATE AGGREGATE {name}({one.types or '*'}) (SFUNC = {step}, STYPE = {one.returns})")
        return
    if one.kind == "p":
        yield Stub(name, f"CREATE PROCEDURE {name}({one.arguments}) LANGUAGE plpgsql AS 'BEGIN END'")
        return
    real = _REAL.get((one.name, one.types))
    if real is None and one.returns == "uuid" and not one.types:
        real = "SELECT pg_catalog.gen_random_uuid()"
    how = f"LANGUAGE sql AS {_text(real)}" if real else f"LANGUAGE plpgsql AS {_text(_body(one))}"
    declared = f"{name}({one.arguments}) RETURNS {one.result}"
    yield Stub(name, f"CREATE FUNCTION {declared} {_VOLATILITY[one.volatility]} {how}")


def _body(one: FunctionMember) -> str:
    if one.returns in ("void", "event_trigger"):
        return "BEGIN END"
    if one.returns == "trigger":
        return "BEGIN RETURN COALESCE(NEW, OLD); END"
    return "BEGIN RETURN; END" if one.is_set or "OUT " in one.arguments else "BEGIN RETURN NULL; END"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
