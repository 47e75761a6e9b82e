"""Timers know how grave their alert is: in a flood the gravest fire first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `priority`, taken from the alerts."""
    op.add_column("timer", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE timer SET priority ="
        " (SELECT severity_rank FROM alert WHERE alert.id = timer.alert_id)"
    )
    op.create_index(
        "ix_timer_state_priority_due_ms", "timer", ["state", "priority", "due_ms"], unique=False
    )
    op.drop_index("ix_timer_state_due_ms", "timer")
