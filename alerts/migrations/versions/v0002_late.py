"""Alerts found in data that came after an outage are marked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `late`; what stands already was live."""
    op.add_column(
        "alert", sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false())
    )
