"""Browsers that asked to be pushed to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.database.columns import Big

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `push_subscription`."""
    op.create_table(
        "push_subscription",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("endpoint_hash", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("contact", sa.String(128), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscription"),
        sa.UniqueConstraint("endpoint_hash", name="uq_push_subscription_endpoint_hash"),
    )
    op.create_index("ix_push_subscription_account", "push_subscription", ["account"])
    op.create_index("ix_push_subscription_contact", "push_subscription", ["contact"])
