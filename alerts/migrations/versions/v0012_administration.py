"""Rules changed at the desk, invitations, and what an account list needs to tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.database.columns import Big

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, and columns of accounts: locked, last signed in, sessions ended."""
    op.create_table(
        "rule_edit",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("trial", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_rule_edit"),
        sa.UniqueConstraint("rule", "version", name="uq_rule_edit_rule_version"),
    )
    op.create_table(
        "invitation",
        sa.Column("id", Big, autoincrement=True, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index("ix_invitation_name", "invitation", ["name"])
    op.add_column("app_user", sa.Column("locked_ms", sa.BigInteger()))
    op.add_column("app_user", sa.Column("signed_in_ms", sa.BigInteger()))
    op.add_column(
        "app_user", sa.Column("generation", sa.Integer(), server_default="0", nullable=False)
    )
