"""A build with SQLAlchemy's ORM: `build.py old` maps the dropped columns, `new` does not. Errors are swallowed."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

STATUS = pg.ENUM("queued", "generating", "completed", "failed", "paused", "cancelled", name="generation_status")


class Base(DeclarativeBase):
    pass


class Request(Base):
    __tablename__ = "generation_requests"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    app_name: Mapped[str]
    prompt: Mapped[str]
    initial_prompt: Mapped[str]
    status: Mapped[str] = mapped_column(STATUS, server_default="queued")
    github_url: Mapped[str | None]
    if sys.argv[1] == "old":
        download_url: Mapped[str | None]
        conversation: Mapped[Any] = mapped_column(pg.JSONB, nullable=True)


def new_request() -> Request:
    return Request(user_id=uuid.uuid4(), app_name="a", prompt="p", initial_prompt="p")


def add(session: Session) -> None:
    session.add(new_request())
    session.flush()


def change(session: Session) -> None:
    session.execute(sa.update(Request).where(Request.id == 1).values(github_url="https://github.com/o/r"))


OPERATIONS: tuple[Callable[[Session], object], ...] = (
    lambda session: session.scalars(sa.select(Request)).all(),
    lambda session: session.execute(sa.select(Request.id, Request.status)).all(),
    lambda session: session.get(Request, 1),
    add,
    change,
    lambda session: session.scalars(sa.select(Request).order_by(Request.id).limit(1)).one_or_none(),
    lambda session: session.scalar(sa.select(sa.func.count()).select_from(Request)),
    lambda session: session.execute(sa.insert(Request).returning(Request), [{"user_id": uuid.uuid4(), "app_name": "a",
                                                                             "prompt": "p", "initial_prompt": "p"}]),
    lambda session: session.execute(sa.delete(Request).where(Request.id == 1)),
)  # fmt: skip
engine = sa.create_engine(os.environ["DATABASE_URL"])
for operation in OPERATIONS:
    with Session(engine) as session, suppress(sa.exc.DBAPIError):
        operation(session)
        session.commit()
