"""Pages know when they reached the person and when they were read; replies are kept by key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the receipt columns of the outbox, and `reply`."""
    for name in ("reached_ms", "read_ms", "ask_ms"):
        op.add_column("outbox", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("ref", sa.String(255), nullable=True))
    op.create_index("ix_outbox_channel_ref", "outbox", ["channel", "ref"])
    op.create_index("ix_outbox_channel_ask_ms", "outbox", ["channel", "ask_ms"])
    op.create_table(
        "reply",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(128), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_reply"),
    )
    op.create_index("ix_reply_at_ms", "reply", ["at_ms"])
