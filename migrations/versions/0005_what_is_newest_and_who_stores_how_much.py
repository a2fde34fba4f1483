"""What is newest, and who stores how much: indexes for pages about everything"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.create_index("ix_version_newest", ["created_at", "id"], unique=False)

    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            "ix_record_file",
            ["entry_id", "file_size", "is_file_damaged"],
            unique=False,
            sqlite_where=sa.text("file_name IS NOT NULL"),
            postgresql_where=sa.text("file_name IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index("ix_record_file")

    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.drop_index("ix_version_newest")
