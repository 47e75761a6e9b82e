"""Pages are claimed from the front of an index, whatever waits behind them."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index of the outbox for another that has the priority too."""
    op.drop_index("ix_outbox_state_channel_next_ms", "outbox")
    op.create_index(
        "ix_outbox_state_channel_priority_next_ms",
        "outbox",
        ["state", "channel", "priority", "next_ms"],
    )
