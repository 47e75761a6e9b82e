"""Alerts can be set aside: shelved, suppressed by design, or of a lift out of service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add what sets aside, and its mark on alerts; what stands already is not set aside."""
    op.add_column(
        "alert", sa.Column("aside", sa.String(length=128), nullable=False, server_default="none")
    )
    op.add_column("alert", sa.Column("aside_id", _BIG, nullable=True))
    op.add_column("alert", sa.Column("aside_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("alert", sa.Column("aside_reason", sa.Text(), nullable=True))
    op.add_column("alert", sa.Column("aside_by", sa.Text(), nullable=True))
    op.create_index(op.f("ix_alert_aside_id"), "alert", ["aside_id"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("alert_id", _BIG, nullable=True),
        sa.Column("subject_kind", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_suppression_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index(
        op.f("ix_suppression_ended_ms_until_ms"), "suppression", ["ended_ms", "until_ms"]
    )
    op.create_index(op.f("ix_suppression_subject_ended_ms"), "suppression", ["subject", "ended_ms"])
