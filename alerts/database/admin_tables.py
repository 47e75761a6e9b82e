"""Tables of administration: what was changed at the desk, and invitations of people."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, UniqueConstraint

from alerts.database.columns import Big
from alerts.database.tables import metadata

# What is set at the desk over a rule of the file. Append-only: the newest version is in force,
# an empty `data` gives the rule back to its file.
rule_edit = Table(
    "rule_edit",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("rule", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON {key: value}; null leaves the key out
    Column("trial", Text),  # JSON: what the back-test said before it was saved
    UniqueConstraint("rule", "version"),
)

# A link by which a person sets a password, once; only a keyed hash of it is kept.
invitation = Table(
    "invitation",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("name", String(128), nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),  # used, or another took its place
)
