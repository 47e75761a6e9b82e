"""Shifts that were handed over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.database.columns import Big

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `shift_handover`."""
    op.create_table(
        "shift_handover",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_ms", sa.BigInteger(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shift_handover"),
        sa.UniqueConstraint("from_ms", "to_ms", name="uq_shift_handover_from_ms_to_ms"),
    )
    op.create_index("ix_shift_handover_given_ms", "shift_handover", ["given_ms"])
