"""The kinds of columns that the tables are made of, portable between SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's rowid alias must say INTEGER


def key() -> Column[Any]:
    """A number of its own, given by the database."""
    return Column("id", Big, primary_key=True, autoincrement=True)


def ms(name: str, nullable: bool = True) -> Column[Any]:
    """A moment, in epoch ms."""
    return Column(name, BigInteger, nullable=nullable)


def word(name: str, nullable: bool = False, **more: Any) -> Column[Any]:
    """An id or a word of our own."""
    return Column(name, String(128), nullable=nullable, **more)


def flag(name: str, **more: Any) -> Column[Any]:
    """True or false."""
    return Column(name, Boolean(create_constraint=False), nullable=False, **more)


def of_alert(nullable: bool = False, **more: Any) -> Column[Any]:
    """The alert a row belongs to."""
    return Column("alert_id", Big, ForeignKey("alert.id"), nullable=nullable, **more)
