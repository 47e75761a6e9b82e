"""The tables, portable between SQLite and PostgreSQL. How they are opened: access.py."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from alerts.database.columns import NAMES, Big
from alerts.database.columns import flag as _flag
from alerts.database.columns import key as _key
from alerts.database.columns import ms as _ms
from alerts.database.columns import of_alert as _of_alert
from alerts.database.columns import word as _word

metadata = MetaData(naming_convention=NAMES)

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

# Transitions that are accepted and not worked off yet, see desk/inbox.py; `id` is their order.
inbox = Table(
    "inbox",
    metadata,
    _key(),
    Column("priority", Integer, nullable=False),
    _word("subject_kind"),
    _word("subject"),
    _word("rule"),
    _ms("since_ms", nullable=False),
    _flag("raised"),
    _flag("with_people"),
    _flag("late"),
    _ms("accepted_ms", nullable=False),
    Column("data", Text, nullable=False),  # JSON: the whole transition
    UniqueConstraint(
        "subject_kind",
        "subject",
        "rule",
        "since_ms",
        "raised",
        "with_people",
        "late",
        name="uq_inbox_transition",
    ),
    Index(None, "priority", "id"),
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
    _of_alert(primary_key=True, autoincrement=False),
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
