"""Records of each entry counted by dataset"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entry_dataset_tally",
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("dataset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_entry_dataset_tally_dataset_id_dataset")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_entry_dataset_tally_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "dataset_id", name=op.f("pk_entry_dataset_tally")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("entry_dataset_tally", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_dataset_tally_dataset_id"), ["dataset_id"], unique=False)
    op.execute(
        "INSERT INTO entry_dataset_tally (entry_id, dataset_id, number)"
        " SELECT circumstances.entry_id, dataset_tally.dataset_id, sum(dataset_tally.number) FROM dataset_tally"
        " JOIN circumstances ON circumstances.id = dataset_tally.circumstances_id"
        " GROUP BY circumstances.entry_id, dataset_tally.dataset_id"
    )


def downgrade() -> None:
    op.drop_table("entry_dataset_tally")
