"""A hand-over note for each alert that has one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.database.columns import Big

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The notes; what they said before is in the journal."""
    op.create_table(
        "handover_note",
        sa.Column("alert_id", Big, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="pk_handover_note"),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_handover_note_alert_id"),
    )
