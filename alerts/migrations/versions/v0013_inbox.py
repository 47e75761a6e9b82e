"""What is accepted and not worked off yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, with the transition's natural key."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "inbox",
        sa.Column("id", big, primary_key=True, autoincrement=True),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("subject_kind", sa.String(128), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("raised", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("with_people", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("late", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint(
            "subject_kind", "subject", "rule", "since_ms", "raised", "with_people", "late",
            name="uq_inbox_transition",
        ),
    )  # fmt: skip
    op.create_index("ix_inbox_priority_id", "inbox", ["priority", "id"])
