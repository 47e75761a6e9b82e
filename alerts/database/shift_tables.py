"""Tables of the shift: browsers that asked to be pushed to, and shifts that were handed over."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, UniqueConstraint

from alerts.database.columns import Big
from alerts.database.tables import metadata

# One browser of one person. Its address at the push service is a right to send: it stands here
# alone, never in the outbox, the journal or a log, and is blanked when the subscription ends.
push_subscription = Table(
    "push_subscription",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("endpoint_hash", String(64), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    Column("account", String(128), nullable=False),
    Column("contact", String(128), nullable=False),
    Column("device", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_why", Text),
    UniqueConstraint("endpoint_hash"),
    Index(None, "account"),
    Index(None, "contact"),
)

# A shift as it was handed over. `report` is what both officers saw when they signed, as JSON.
shift_handover = Table(
    "shift_handover",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("given_ms", BigInteger, nullable=False),
    Column("remark", Text, nullable=False),
    Column("taken_by", Text),
    Column("taken_ms", BigInteger),
    Column("report", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("from_ms", "to_ms"),
    Index(None, "given_ms"),
)
