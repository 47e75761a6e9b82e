"""Accounts of a database, as the command line changes them."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from alerts.model import Actor, Role
from monitor.admin.accounts import Accounts

WHO = Actor("root (liftwatch user)", Role.ADMIN)


def accounts(engine: Engine, *units: str) -> Accounts:
    """The accounts in a database; `units`: the firms that the directory knows."""
    return Accounts(engine, lambda: time.time_ns() // 1_000_000, frozenset(units))


def add_account(
    engine: Engine, name: str, password: str, role: str, unit: str | None = None
) -> None:
    """Make an account that can sign in."""
    accounts(engine, *([unit] if unit else [])).add(name, password, role, unit, WHO)
