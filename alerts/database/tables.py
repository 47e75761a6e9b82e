"""The tables, portable between SQLite and PostgreSQL. How they are opened: access.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
Big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's rowid alias must say INTEGER


def _key() -> Column[Any]:
    return Column("id", Big, primary_key=True, autoincrement=True)


def _ms(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable)


def _word(name: str, nullable: bool = False, **more: Any) -> Column[Any]:
    return Column(name, String(128), nullable=nullable, **more)


def _flag(name: str, **more: Any) -> Column[Any]:
    return Column(name, Boolean(create_constraint=False), nullable=False, **more)


def _of_alert(nullable: bool = False, **more: Any) -> Column[Any]:
    return Column("alert_id", Big, ForeignKey("alert.id"), nullable=nullable, **more)


# What was true of subject and rule at the raise is kept with the alert: a later change of the
# registry or the rules must not rewrite what people were told.
alert = Table(
    "alert",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    _word("subject_kind"),
    _word("subject"),
    _word("rule"),
    _ms("since_ms", nullable=False),
    _ms("raised_ms", nullable=False),
    _ms("last_raised_ms", nullable=False),
    Column("again_count", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    _ms("cleared_ms"),
    _ms("closed_ms"),
    _word("alarm_state"),
    _word("rescue_state"),
    _word("chain"),
    _word("profile"),
    _word("severity"),
    Column("severity_rank", Integer, nullable=False),
    Column("code", Integer),
    _flag("latched"),
    _flag("manual_reset"),
    _flag("with_people"),
    Column("people", Integer),
    Column("rule_zh", Text, nullable=False),
    Column("rule_en", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("place", Text, nullable=False),
    _word("lift_type"),
    _word("rescue_code"),
    _word("maintenance"),
    _word("use_unit"),
    _word("street_office"),
    _word("feeder"),
    _word("gateway"),
    Column("incident", String(192), nullable=False),
    Column("owner", Text),
    _word("owner_unit", nullable=True),
    _flag("accident"),
    _ms("arrival_due_ms"),
    *map(_ms, ("acknowledged_ms", "accepted_ms", "departed_ms", "arrived_ms", "freed_ms")),
    *map(_ms, ("cause_filed_ms", "verified_ms", "cancelled_ms")),
    Column("done", Text, nullable=False),  # JSON {step: {name, at_ms}}: who was first
    Column("cause", Text),
    Column("evidence", Text, nullable=False),
    Column("batch", BigInteger),
    _flag("late"),
    _flag("exercise", server_default=false()),  # a drill: shown as such, counted nowhere
    _word("aside"),  # shelved, suppressed, out_of_service; none = it pages
    Column("aside_id", Big),  # the row of `suppression` that set it aside
    _ms("aside_until_ms"),
    Column("aside_reason", Text),
    Column("aside_by", Text),
    Column("version", Integer, nullable=False),
    UniqueConstraint("subject_kind", "subject", "rule", "since_ms"),
    Index(None, "closed_ms", "severity_rank"),
    Index(None, "raised_ms"),
    Index(None, "subject", "rule"),
    Index(None, "incident"),
    Index(None, "aside_id"),
)

# What sets alerts aside: a shelf (one alert), a suppression by design or a lift out of service.
# `until_ms` is its durable timer: the desk's tick ends what is over.
suppression = Table(
    "suppression",
    metadata,
    _key(),
    _word("kind"),
    _of_alert(nullable=True),
    _word("subject_kind"),
    _word("subject"),
    Column("rules", Text, nullable=False),  # JSON list; [] = all but life safety
    Column("reason", Text, nullable=False),
    Column("begun_by", Text, nullable=False),
    _ms("from_ms", nullable=False),
    _ms("until_ms", nullable=False),
    _ms("ended_ms"),
    Column("ended_by", Text),
    Index(None, "ended_ms", "until_ms"),
    Index(None, "subject", "ended_ms"),
)

# Every onset of a condition with the alert it belongs to: the natural key of a transition.
occurrence = Table(
    "occurrence",
    metadata,
    _word("subject_kind", primary_key=True),
    _word("subject", primary_key=True),
    _word("rule", primary_key=True),
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
    _of_alert(index=True),
    _ms("at_ms", nullable=False),
    _ms("cleared_ms"),
    Index(None, "at_ms"),
)

# Lifts whose silence is told by their gateway's alert; they get their own when it returns alone.
folded = Table(
    "folded",
    metadata,
    _word("subject", primary_key=True),
    _word("rule", primary_key=True),
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
    _word("gateway", index=True),
    _ms("at_ms", nullable=False),
    _ms("cleared_ms"),
    _ms("unfold_ms"),
    _flag("done"),
    Column("evidence", Text, nullable=False),
)

# Units that have to do with an alert: a firm sees an alert when its unit stands here.
alert_unit = Table(
    "alert_unit",
    metadata,
    _of_alert(primary_key=True),
    _word("unit", primary_key=True),
    _word("part"),
    _ms("answered_ms"),
    Column("answered_by", Text),
    Index(None, "unit", "alert_id"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    _ms("at_ms", nullable=False),
    _of_alert(nullable=True, index=True),
    _word("kind"),
    Column("actor", Text, nullable=False),
    _word("role"),
    _word("unit", nullable=True),
    Column("data", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

timer = Table(
    "timer",
    metadata,
    _key(),
    _of_alert(),
    _word("step"),
    Column("round", Integer, nullable=False),
    Column("priority", Integer, nullable=False),  # severity_rank of its alert: the gravest first
    _ms("due_ms", nullable=False),
    _word("state"),
    _ms("ended_ms"),
    _word("reason", nullable=True),
    UniqueConstraint("alert_id", "step", "round"),
    Index(None, "state", "priority", "due_ms"),
)

outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("key", String(255), nullable=False, unique=True),
    _of_alert(),
    _word("step"),
    Column("round", Integer, nullable=False),
    _word("unit"),
    _word("contact"),
    _word("channel"),
    _word("origin"),  # the first channel tried: rows of one origin stand in for each other
    Column("address", Text, nullable=False),
    Column("rest", Text, nullable=False),  # JSON [[channel, address], …] still to try
    _word("lang"),
    Column("priority", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    _word("state"),
    Column("attempts", Integer, nullable=False),
    _ms("created_ms", nullable=False),
    _ms("next_ms", nullable=False),
    _ms("lease_until_ms"),
    _word("lease_owner", nullable=True),
    _ms("delivered_ms"),
    Column("receipt", Text),
    Column("last_error", Text),
    _word("reason", nullable=True),
    _ms("reached_ms"),  # on the person's device, by the gateway's later word
    _ms("read_ms"),  # the one-tap page was opened, or the gateway says read or answered
    _ms("ask_ms"),  # when to ask the gateway for its word next
    Column("ref", String(255)),  # the gateway's own number of the message
    Index(None, "state", "channel", "priority", "next_ms"),
    Index(None, "alert_id", "step"),
    Index(None, "channel", "ref"),
    Index(None, "channel", "ask_ms"),
    Index(None, "contact", "created_ms"),
)

# What the next officer must know of an alert. One an alert; what it said before is in the journal.
handover_note = Table(
    "handover_note",
    metadata,
    Column("alert_id", Big, ForeignKey("alert.id"), primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),  # "" = taken off
    Column("version", Integer, nullable=False),
    _ms("at_ms", nullable=False),
    Column("name", Text, nullable=False),
)

# The files are in the data folder, named by their hash; a photo without a row is nobody's.
photo = Table(
    "photo",
    metadata,
    _key(),
    _of_alert(),
    Column("hash", String(64), nullable=False),
    _ms("at_ms", nullable=False),
    Column("name", Text, nullable=False),
    _word("unit", nullable=True),
    Column("size", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    UniqueConstraint("alert_id", "hash"),
)

# What a reply brought about, by the reply's own key: the same reply again gets the same answer.
reply = Table(
    "reply",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    _word("way"),
    Column("answer", Text, nullable=False),
)

# Second tries of what is in quarantine, asked for by people and done by the running service.
quarantine_run = Table(
    "quarantine_run",
    metadata,
    _key(),
    _word("kind"),  # replay, try (tells only what a replay would take), drop
    _word("state"),  # due, running, done, failed
    Column("filter", Text, nullable=False),  # JSON: ids or reason, gateway, since_ms
    Column("by", Text, nullable=False),
    _word("role"),
    Column("why", Text),
    _ms("asked_ms", nullable=False),
    _ms("begun_ms"),
    _ms("ended_ms"),
    Column("upto_id", BigInteger),  # rows that came later are not part of it
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("counts", Text, nullable=False),  # JSON
    Column("error", Text),
    Index(None, "state", "id"),
)

app_user = Table(
    "app_user",
    metadata,
    _word("name", primary_key=True),
    _word("role"),
    _word("unit", nullable=True),
    Column("password_hash", Text, nullable=False),
    _ms("created_ms", nullable=False),
    _ms("locked_ms"),
    _ms("signed_in_ms"),
    Column("generation", Integer, nullable=False, server_default="0"),  # ends older sessions
)

meta = Table(
    "meta",
    metadata,
    _word("key", primary_key=True),
    Column("value", Text, nullable=False),
)

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
