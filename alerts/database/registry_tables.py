"""Tables of the registry, of credentials and of claims."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    String,
    Table,
    Text,
)

from alerts.database.columns import key as _key
from alerts.database.columns import ms as _ms
from alerts.database.columns import word as _word
from alerts.database.tables import metadata

# What the service knows of a lift or gateway beside its line in the site's files: since when it is
# registered, whether it ever spoke, that it moved or left. `data`: its line when last seen there.
registry_entry = Table(
    "registry_entry",
    metadata,
    _word("kind", primary_key=True),
    _word("id", primary_key=True),
    Column("data", Text, nullable=False),
    _ms("registered_ms", nullable=False),
    _ms("first_seen_ms"),
    _ms("moved_ms"),
    _word("moved_from", nullable=True),
    _ms("arrived_ms"),  # the first sample by its new gateway
    _ms("device_since_ms"),  # what was learned before is of another device
    _word("question", nullable=True),  # what somebody has to say: does the baseline go on?
    _ms("retired_ms"),
    Index(None, "kind", "retired_ms"),
)

# What spoke without being registered so: an unknown lift or gateway, a lift by a second gateway.
sighting = Table(
    "sighting",
    metadata,
    _word("kind", primary_key=True),
    _word("subject", primary_key=True),
    _word("gateway", primary_key=True),
    Column("topic", Text, nullable=False),
    _ms("first_ms", nullable=False),
    _ms("last_ms", nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sample", Text, nullable=False),
    Index(None, "count", "last_ms"),
)

# Passwords only as the brokers' own hashes; private keys never.
credential = Table(
    "credential",
    metadata,
    _key(),
    _word("gateway"),
    _word("username", unique=True),
    _word("kind"),
    Column("mosquitto_hash", Text),
    Column("rabbitmq_hash", Text),
    _word("serial", nullable=True),
    Column("fingerprint", String(64)),
    _ms("created_ms", nullable=False),
    Column("created_by", Text, nullable=False),
    _ms("expires_ms"),
    _ms("ends_ms"),  # overlap of a rotation: the older one is good until then
    _ms("revoked_ms"),
    Column("reason", Text),
    Index(None, "gateway"),
    Index(None, "serial"),
)

# One-time codes by which a gateway may register itself; only a keyed hash of the code is kept.
claim = Table(
    "claim",
    metadata,
    _key(),
    Column("code_hash", String(64), nullable=False, unique=True),
    _word("gateway"),
    Column("data", Text, nullable=False),  # JSON: vendor, place, lifts
    _ms("created_ms", nullable=False),
    Column("created_by", Text, nullable=False),
    _ms("expires_ms", nullable=False),
    _ms("used_ms"),
    Column("used_from", Text),
    Column("nonce_hash", String(64)),
    _ms("withdrawn_ms"),
    Index(None, "gateway"),
)
