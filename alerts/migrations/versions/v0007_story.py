"""Photos of an alert, alerts that are an exercise, and onsets found by their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `photo`, `alert.exercise` (what stands already was real) and an index."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "photo",
        sa.Column("id", big, autoincrement=True, nullable=False),
        sa.Column("alert_id", big, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(128), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_photo_alert_id"),
        sa.PrimaryKeyConstraint("id", name="pk_photo"),
        sa.UniqueConstraint("alert_id", "hash", name="uq_photo_alert_id_hash"),
    )
    op.add_column(
        "alert", sa.Column("exercise", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_occurrence_at_ms", "occurrence", ["at_ms"])
