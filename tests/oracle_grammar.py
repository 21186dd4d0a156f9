"""Random statements over the schema of the truth: joins of every kind, stars, rows as values, subqueries that look outside."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

TABLES = {
    "orders": ("id", "customer_id", "status", "note", "total", "legacy", "created_at", "paid", "tags"),
    "items": ("id", "order_id", "sku", "quantity", "note"),
    "staging": ("id", "note", "total"),
    "customers": ("id", "name", "email", "legacy", "joined"),
    "open_orders": ("id", "customer_id", "total", "created_at"),
    "ratings": ("order_id", "note", "stars"),
    "orders_old": ("id", "customer_id", "status", "note", "total", "legacy"),
}
CALLS = (
    "note_of(1)", "total_of(1)", "count_all()", "(SELECT x.id FROM row_of(1) x)", "notes_too(1)", "body_into(1)",
    "body_only_total(1)", "body_calls(1)", "(row_of(1)).status", "(SELECT count(*) FROM everything)",
)  # fmt: skip
Scope = tuple[tuple[str, str], ...]  # alias and table


@dataclass
class Grammar:
    """One source of statements; the same ones for the same seed."""

    random: Random
    aliases: int = 0

    def statement(self) -> str:
        """Any statement; many are not valid."""
        kind = self.random.random()
        if kind < 0.06:
            return self.insert()
        if kind < 0.1:
            return self.merge()
        if kind < 0.7:
            return self.query()
        if kind < 0.76:
            how = self.pick("", "MATERIALIZED ")
            if self.random.random() < 0.5:
                names = [f"c{n}" for n in range(self.random.randint(1, 6))]
                inner = self.pick("SELECT * FROM orders", "SELECT o.* FROM orders o JOIN items i ON i.order_id = o.id")
                given = self.pick("count(*)", f"{self.pick(*names)}::text", f"min({self.pick(*names)}::text)")
                return f"WITH w ({', '.join(names)}) AS {how}({inner}) SELECT {given} FROM w"
            return f"WITH w AS {how}({self.query(1)}) SELECT {self.pick('*', 'count(*)', 'id', '1')} FROM w"
        if kind < 0.82:
            return f"{self.query(1)} UNION ALL {self.query(1)}"
        if kind < 0.9:
            what = self.pick("paid = true", "total = 3", "status = note", "note = status")
            return f"UPDATE orders o SET {what} WHERE {self.condition((('o', 'orders'),), 2)}"
        if kind < 0.95:
            return (
                f"INSERT INTO {self.pick('audit (what)', 'orders (id, status)', 'staging', 'orders')} {self.query(1)}"
            )
        scope = (("i", "items"), ("o", "orders"))
        gives = self.pick("", "RETURNING *", "RETURNING i.id", "RETURNING o.id")
        return f"DELETE FROM items i USING orders o WHERE {self.condition(scope, 2)} {gives}"

    def insert(self) -> str:
        values = ["7", "1", "'st'", self.pick("'n'", "'3'"), self.pick("5", "'5'"), "'{}'", "now()", "true", "'{}'"]
        gives = self.pick("", "RETURNING id", "ON CONFLICT DO NOTHING", "RETURNING *")
        some = ", ".join(values[: self.random.randint(1, 9)])
        return f"INSERT INTO {self.pick('orders', 'orders_old')} VALUES ({some}) {gives}"

    def merge(self) -> str:
        some = ", ".join(["12", "1", "'st'", "'3'", "5"][: self.random.randint(1, 5)])
        then = self.pick("UPDATE SET total = s.total", "UPDATE SET note = s.note", "DO NOTHING", "DELETE")
        other = self.pick("DO NOTHING", "INSERT (id, status) VALUES (11, s.note)", f"INSERT VALUES ({some})")
        head = f"MERGE INTO orders o USING staging s ON s.id = o.id + {self.pick('0', '9')}"
        return f"{head} WHEN MATCHED THEN {then} WHEN NOT MATCHED THEN {other}"

    def query(self, depth: int = 0, outer: Scope = (), *, single: bool = False, as_text: bool = False) -> str:
        origin, own = self.origin(depth)
        scope = own + (outer if self.random.random() < 0.4 else ())
        if single:
            given = self.value(scope, depth + 1) + ("::text" if as_text else "")
        else:
            given = ", ".join(self.item(scope, own, n, depth) for n in range(self.pick(1, 2, 3)))
        text = f"SELECT {'DISTINCT ' if self.random.random() < 0.05 else ''}{given} FROM {origin}"
        if self.random.random() < 0.5:
            text += f" WHERE {self.condition(scope, depth + 1)}"
        if single:
            return f"{text} LIMIT 1"
        return f"{text} ORDER BY {self.pick('1', self.column(own))}" if self.random.random() < 0.15 else text

    def item(self, scope: Scope, own: Scope, number: int, depth: int) -> str:
        if self.random.random() < 0.2:
            return self.pick("*", f"{self.pick(*own)[0]}.*")
        return self.value(scope, depth + 1) + (f" AS x{number}" if self.random.random() < 0.5 else "")

    def origin(self, depth: int) -> tuple[str, Scope]:
        scope: list[tuple[str, str]] = []
        parts: list[str] = []
        for _ in range(self.pick(1, 1, 1, 2, 2, 3) if depth < 2 else 1):
            self.aliases += 1
            table = self.pick("orders", "orders", *TABLES)
            bare = self.random.random() < 0.3 and not any(alias == table for alias, _ in scope)
            alias = table if bare else f"a{self.aliases}"
            source = table if bare else self.aliased(table, alias, depth)
            if parts:
                using = self.pick("id", "note", "total", "legacy")
                on = self.condition((*scope, (alias, table)), 3)
                joins = ("NATURAL JOIN {}", f"JOIN {{}} USING ({using})", f"LEFT JOIN {{}} ON {on}", "CROSS JOIN {}")
                source = self.pick(*joins).replace("{}", source)
            parts.append(source)
            scope.append((alias, table))
        return " ".join(parts), tuple(scope)

    def aliased(self, table: str, alias: str, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.15 and depth < 2:
            names = [f"c{n}" for n in range(self.random.randint(1, 5))]
            listed = f" ({', '.join(names)})" if self.random.random() < 0.3 else ""
            return f"(SELECT * FROM {table}{self.pick('', ' OFFSET 0', ' WHERE true')}) {alias}{listed}"
        if kind < 0.22:
            return f"{table} AS {alias} ({', '.join(f'c{n}' for n in range(self.random.randint(1, 5)))})"
        return f"{table} {alias}"

    def column(self, scope: Scope) -> str:
        alias, table = self.pick(*scope)
        name = self.pick(*TABLES[table]) if self.random.random() < 0.93 else f"c{self.random.randint(0, 4)}"
        return name if self.random.random() < 0.25 else f"{alias}.{name}"

    def value(self, scope: Scope, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.45 or depth > 2:
            return self.column(scope)
        if kind < 0.55:
            return self.pick("1", "'x'", "NULL", "now() > '2020-01-01'")
        if kind < 0.65:
            return f"coalesce({self.value(scope, depth + 1)}::text, 'z')"
        if kind < 0.68:
            return self.pick(*CALLS)
        if kind < 0.72:
            return f"({self.query(depth + 2, scope, single=True)})"
        if kind < 0.78:
            alias, _ = self.pick(*scope)
            return self.pick(
                f"{alias}::text", f"to_jsonb({alias})", f"({alias} IS NOT NULL)", f"count({alias}.*) OVER ()"
            )
        if kind < 0.85:
            return (
                f"CASE WHEN {self.condition(scope, depth + 1)} THEN {self.value(scope, depth + 1)}::text ELSE 'e' END"
            )
        return f"upper({self.value(scope, depth + 1)}::text)"

    def condition(self, scope: Scope, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.4:
            return f"{self.value(scope, depth + 1)}::text = {self.value(scope, depth + 1)}::text"
        if kind < 0.6:
            return f"{self.column(scope)} IS NOT NULL"
        if kind < 0.75:
            return f"EXISTS ({self.query(depth + 1, scope)})"
        if kind < 0.85:
            among = self.query(depth + 2, scope, single=True, as_text=True)
            return f"{self.value(scope, depth + 1)}::text IN ({among})"
        return f"({self.condition(scope, depth + 1)} OR {self.condition(scope, depth + 1)})" if depth < 3 else "true"

    def pick(self, *some: Any) -> Any:
        return self.random.choice(some)
