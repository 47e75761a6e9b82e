"""Registry and provisioning: what is known of lifts and gateways, credentials, claim codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WORD, _BIG, _TEXT = sa.String(128), sa.BigInteger(), sa.Text()


def _key() -> sa.Column[int]:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", big, autoincrement=True, nullable=False)


def _registry() -> None:
    op.create_table(
        "registry_entry",
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("id", _WORD, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.Column("registered_ms", _BIG, nullable=False),
        sa.Column("first_seen_ms", _BIG),
        sa.Column("moved_ms", _BIG),
        sa.Column("moved_from", _WORD),
        sa.Column("arrived_ms", _BIG),
        sa.Column("device_since_ms", _BIG),
        sa.Column("question", _WORD),
        sa.Column("retired_ms", _BIG),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_registry_entry"),
    )
    op.create_index("ix_registry_entry_kind_retired_ms", "registry_entry", ["kind", "retired_ms"])
    op.create_table(
        "sighting",
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("subject", _WORD, nullable=False),
        sa.Column("gateway", _WORD, nullable=False),
        sa.Column("topic", _TEXT, nullable=False),
        sa.Column("first_ms", _BIG, nullable=False),
        sa.Column("last_ms", _BIG, nullable=False),
        sa.Column("count", _BIG, nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("sample", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "gateway", name="pk_sighting"),
    )
    op.create_index("ix_sighting_count_last_ms", "sighting", ["count", "last_ms"])


def _provisioning() -> None:
    op.create_table(
        "credential",
        _key(),
        sa.Column("gateway", _WORD, nullable=False),
        sa.Column("username", _WORD, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("mosquitto_hash", _TEXT),
        sa.Column("rabbitmq_hash", _TEXT),
        sa.Column("serial", _WORD),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("created_ms", _BIG, nullable=False),
        sa.Column("created_by", _TEXT, nullable=False),
        sa.Column("expires_ms", _BIG),
        sa.Column("ends_ms", _BIG),
        sa.Column("revoked_ms", _BIG),
        sa.Column("reason", _TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
        sa.UniqueConstraint("username", name="uq_credential_username"),
    )
    op.create_index("ix_credential_gateway", "credential", ["gateway"])
    op.create_index("ix_credential_serial", "credential", ["serial"])
    op.create_table(
        "claim",
        _key(),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("gateway", _WORD, nullable=False),
        sa.Column("data", _TEXT, nullable=False),
        sa.Column("created_ms", _BIG, nullable=False),
        sa.Column("created_by", _TEXT, nullable=False),
        sa.Column("expires_ms", _BIG, nullable=False),
        sa.Column("used_ms", _BIG),
        sa.Column("used_from", _TEXT),
        sa.Column("nonce_hash", sa.String(64)),
        sa.Column("withdrawn_ms", _BIG),
        sa.PrimaryKeyConstraint("id", name="pk_claim"),
        sa.UniqueConstraint("code_hash", name="uq_claim_code_hash"),
    )
    op.create_index("ix_claim_gateway", "claim", ["gateway"])


def upgrade() -> None:
    """Add four tables; the service fills `registry_entry` from the site's files at its start."""
    _registry()
    _provisioning()
