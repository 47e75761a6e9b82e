"""The table of the API's tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from alerts.database.columns import Big
from alerts.database.tables import metadata

# Tokens of programs. What a token is made of is random and long, so a plain hash of it is enough;
# `number` is its public half, by which it is found.
api_token = Table(
    "api_token",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("number", String(16), nullable=False, unique=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("scope", Text, nullable=False),  # words joined by blanks
    Column("hash", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Column("used_from", Text),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", Text),
    Index(None, "owner"),
)
