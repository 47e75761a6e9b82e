"""In a flood the gravest timers fire first, and one page tells a person of many alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `priority`, taken from the alerts, and indexes of what was raised and told lately."""
    op.add_column("timer", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE timer SET priority ="
        " (SELECT severity_rank FROM alert WHERE alert.id = timer.alert_id)"
    )
    op.create_index(
        "ix_timer_state_priority_due_ms", "timer", ["state", "priority", "due_ms"], unique=False
    )
    op.drop_index("ix_timer_state_due_ms", "timer")
    op.create_index("ix_outbox_contact_created_ms", "outbox", ["contact", "created_ms"])
    op.create_index("ix_alert_raised_ms", "alert", ["raised_ms"])
