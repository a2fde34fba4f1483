"""Runs, datasets and records"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "season",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=1024), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_season")),
        sa.UniqueConstraint("name_key", name=op.f("uq_season_name_key")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=1024), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("name_key", name=op.f("uq_site_name_key")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("owner_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("experiment_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=1024), nullable=False),
        sa.Column("collection_date", sa.Date(), nullable=True),
        sa.Column("info", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_dataset_experiment_id_experiment")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_dataset_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
    )
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_experiment_id"), ["experiment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dataset_name_key"), ["name_key"], unique=False)
        batch_op.create_index(
            "ix_dataset_own_name",
            ["owner_id", "name_key"],
            unique=True,
            sqlite_where=sa.text("experiment_id IS NULL"),
            postgresql_where=sa.text("experiment_id IS NULL"),
        )
        batch_op.create_index(
            "ix_dataset_own_name_in_experiment", ["owner_id", "name_key", "experiment_id"], unique=True
        )

    op.create_table(
        "circumstances",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("experiment_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("season_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("site_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("key", sa.String(length=110), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_circumstances_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiment.id"], name=op.f("fk_circumstances_experiment_id_experiment")
        ),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name=op.f("fk_circumstances_season_id_season")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_circumstances_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circumstances")),
        sa.UniqueConstraint("entry_id", "key", name=op.f("uq_circumstances_entry_id_key")),
    )
    with op.batch_alter_table("circumstances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_circumstances_experiment_id"), ["experiment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_circumstances_season_id"), ["season_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_circumstances_site_id"), ["site_id"], unique=False)

    op.create_table(
        "day_tally",
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_day_tally_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "day", name=op.f("pk_day_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_dataset",
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("dataset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_entry_dataset_dataset_id_dataset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_entry_dataset_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "dataset_id", name=op.f("pk_entry_dataset")),
    )
    with op.batch_alter_table("entry_dataset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_dataset_dataset_id"), ["dataset_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(as_uuid=False).with_variant(sa.String(length=36), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("info", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_run_entry_id_entry"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("ix_run_of_entry", ["entry_id", "created_at", "id"], unique=False)

    op.create_table(
        "dataset_tally",
        sa.Column("circumstances_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["circumstances_id"],
            ["circumstances.id"],
            name=op.f("fk_dataset_tally_circumstances_id_circumstances"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_dataset_tally_dataset_id_dataset")),
        sa.PrimaryKeyConstraint("circumstances_id", "dataset_id", name=op.f("pk_dataset_tally")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("dataset_tally", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_tally_dataset_id"), ["dataset_id"], unique=False)

    op.create_table(
        "record",
        sa.Column("id", sa.Uuid(as_uuid=False).with_variant(sa.String(length=36), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("circumstances_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dataset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False),
        sa.Column("collection_date", sa.Date(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("info", sa.Text(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column("file_type", sa.String(length=127), nullable=True),
        sa.Column("is_file_damaged", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["circumstances_id"],
            ["circumstances.id"],
            name=op.f("fk_record_circumstances_id_circumstances"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_record_dataset_id_dataset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
    )
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.create_index(
            "ix_record_same", ["circumstances_id", "timestamp", "dataset_id", "collection_date"], unique=True
        )
        batch_op.create_index("ix_record_spine", ["entry_id", "timestamp", "id", "circumstances_id"], unique=False)
        batch_op.create_index("ix_record_time", ["timestamp", "id", "circumstances_id"], unique=False)

    op.create_table(
        "tally",
        sa.Column("circumstances_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("collection_date", sa.Date(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["circumstances_id"],
            ["circumstances.id"],
            name=op.f("fk_tally_circumstances_id_circumstances"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_tally_dataset_id_dataset")),
        sa.PrimaryKeyConstraint("circumstances_id", "day", "collection_date", "dataset_id", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.create_index("ix_tally_collected", ["collection_date", "circumstances_id"], unique=False)

    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.add_column(sa.Column("record", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_column("record")

    with op.batch_alter_table("tally", schema=None) as batch_op:
        batch_op.drop_index("ix_tally_collected")

    op.drop_table("tally")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_index("ix_record_time")
        batch_op.drop_index("ix_record_spine")
        batch_op.drop_index("ix_record_same")

    op.drop_table("record")
    with op.batch_alter_table("dataset_tally", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dataset_tally_dataset_id"))

    op.drop_table("dataset_tally")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("ix_run_of_entry")

    op.drop_table("run")
    with op.batch_alter_table("entry_dataset", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_dataset_dataset_id"))

    op.drop_table("entry_dataset")
    op.drop_table("day_tally")
    with op.batch_alter_table("circumstances", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_circumstances_site_id"))
        batch_op.drop_index(batch_op.f("ix_circumstances_season_id"))
        batch_op.drop_index(batch_op.f("ix_circumstances_experiment_id"))

    op.drop_table("circumstances")
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.drop_index("ix_dataset_own_name_in_experiment")
        batch_op.drop_index(
            "ix_dataset_own_name",
            sqlite_where=sa.text("experiment_id IS NULL"),
            postgresql_where=sa.text("experiment_id IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_dataset_name_key"))
        batch_op.drop_index(batch_op.f("ix_dataset_experiment_id"))

    op.drop_table("dataset")
    op.drop_table("site")
    op.drop_table("season")
