"""Roles of the copy by which a command may connect: with the rights of the source's roles, and never a superuser."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from genreq_checks.rehearsal.environment import Login

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

STAND_IN = "genreq_command"  # for the role that has the name of the embedded server's own superuser
# All of a session that the log must have: each statement, and nothing of its parameters.
_LOGGED = {"log_statement": "all", "log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0"}
_LOGGED |= {"log_min_error_statement": "error", "log_min_messages": "warning", "log_duration": "off"}
_ROLES = sa.text("""
    SELECT r.rolname AS name, r.rolsuper AS super, r.rolbypassrls AS bypasses, r.rolinherit AS inherits,
           (SELECT substr(one, length('search_path=') + 1) FROM unnest(r.rolconfig) s(one) WHERE one LIKE 'search_path=%')
               AS search_path,
           ARRAY(SELECT g.rolname::text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                 WHERE m.member = r.oid ORDER BY 1) AS groups
    FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1
""")
_OWNED = sa.text("""
    SELECT 'SCHEMA' AS kind, n.nspname AS schema, NULL AS name, pg_catalog.pg_get_userbyid(n.nspowner) AS owner
    FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2, 3
""")
_WHO = sa.text("""
    SELECT current_user::text AS role, pg_catalog.pg_get_userbyid(datdba)::text AS owner
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
""")


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the source: what it may, and the roles of which it is a member."""

    name: str
    superuser: bool
    bypasses: bool
    inherits: bool
    search_path: str | None
    groups: tuple[str, ...]


@dataclass(slots=True)
class Logins:
    """The source's roles on the copy's server. `own` is the role that read the source, `owner` that of its database."""

    roles: dict[str, Role]
    owned: tuple[tuple[str, str, str | None, str], ...]
    own: str
    owner: str
    known: dict[str, Login] = field(default_factory=dict[str, Login], repr=False)

    def place(self, there: psycopg.Connection[Any]) -> None:
        """Give the copy's objects to their owners, and the roles what they have on the source, but for superusers'."""
        taken = there.info.user
        self.roles = {STAND_IN if name == taken else name: role for name, role in self.roles.items()}
        named = sorted(self.roles)
        for name in named:
            role = self.roles[name]
            if name == STAND_IN:
                there.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
            may = [
                "BYPASSRLS" if role.bypasses or role.superuser else "NOBYPASSRLS",
                "INHERIT" if role.inherits or role.superuser else "NOINHERIT",
            ]
            there.execute(sql.SQL("ALTER ROLE {} {}").format(sql.Identifier(name), sql.SQL(" ".join(may))))
            if role.search_path is not None:
                _set(there, name, "search_path", role.search_path)
        for name in named:
            role = self.roles[name]
            groups = [self._here(one, taken) for one in role.groups]
            if role.superuser:  # it may do what the owner of anything may
                groups = ["pg_read_all_data", "pg_write_all_data"]
                groups += [one for one in named if not self.roles[one].superuser]
            _try(there, [sql.SQL("GRANT {} TO {}").format(sql.Identifier(g), sql.Identifier(name)) for g in groups])
        for kind, schema, object_name, owner in self.owned:
            what = sql.Identifier(schema) if object_name is None else sql.Identifier(schema, object_name)
            new = sql.Identifier(self._here(owner, taken))
            _try(there, [sql.SQL("ALTER {} {} OWNER TO {}").format(sql.SQL(kind), what, new)])

    def own_database(self, there: psycopg.Connection[Any]) -> None:
        """Give the connected database to the owner of the source's."""
        name, owner = sql.Identifier(there.info.dbname), sql.Identifier(self._here(self.owner, there.info.user))
        _try(there, [sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner)])

    def login(self, there: psycopg.Connection[Any], user: str) -> Login:
        """The login for the user of a URL; that of the role that read the source for a user who is no role there."""
        name = self._here(user if user in self.roles or user == there.info.user else self.own, there.info.user)
        if name not in self.known:
            made = Login(name, secrets.token_urlsafe(24))
            role = sql.Identifier(name)
            there.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(made.password)))
            for setting, value in _LOGGED.items():
                _set(there, name, setting, value)
            self.known[name] = made
        return self.known[name]

    @staticmethod
    def _here(name: str, taken: str) -> str:
        return STAND_IN if name == taken else name


def read_logins(connection: sa.Connection) -> Logins:
    """The source's roles and what they own. Raises: sqlalchemy.exc.DBAPIError when they cannot be read."""
    who = connection.execute(_WHO).one()
    roles = {
        row.name: Role(row.name, row.super, row.bypasses, row.inherits, row.search_path, tuple(row.groups))
        for row in connection.execute(_ROLES)
    }
    owned = tuple((row.kind, row.schema, row.name, row.owner) for row in connection.execute(_OWNED))
    return Logins(roles, owned, who.role, who.owner)


def _set(there: psycopg.Connection[Any], role: str, setting: str, value: str) -> None:
    """A setting of a role. `FROM CURRENT` quotes the names in a search_path as they must be."""
    there.execute("SELECT pg_catalog.set_config(%s, %s, false)", [setting, value])
    names = sql.Identifier(role), sql.Identifier(setting)
    there.execute(sql.SQL("ALTER ROLE {} SET {} FROM CURRENT").format(*names))


def _try(there: psycopg.Connection[Any], statements: Iterable[sql.Composed]) -> None:
    """Run what can be run: an object that the copy does not have has no owner there."""
    for statement in statements:
        try:
            there.execute(statement)
        except psycopg.Error:
            continue
