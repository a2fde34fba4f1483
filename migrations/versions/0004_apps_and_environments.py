"""Apps and environments"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("team_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=1024), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_app_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app")),
        sa.UniqueConstraint("team_id", "name_key", name=op.f("uq_app_team_id_name_key")),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("app_id", sa.Uuid(as_uuid=False), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_entry_app_id_app"), "app", ["app_id"], ["id"])
        batch_op.drop_index("ix_entry_own_name")
        batch_op.create_index(
            "ix_entry_own_name",
            ["owner_id", "kind", "name_key"],
            unique=True,
            sqlite_where=sa.text("app_id IS NULL"),
            postgresql_where=sa.text("app_id IS NULL"),
        )
        batch_op.create_index("ix_entry_app_name", ["app_id", "kind", "name_key"], unique=True)
        batch_op.create_index("ix_entry_owner", ["owner_id", "kind"], unique=False)

    op.create_table(
        "deployment",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("entry_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("version_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("deployed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deployed_by_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployed_by_id"], ["user.id"], name=op.f("fk_deployment_deployed_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["entry.id"], name=op.f("fk_deployment_entry_id_entry"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.id"], name=op.f("fk_deployment_version_id_version"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    with op.batch_alter_table("deployment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployment_deployed_by_id"), ["deployed_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployment_version_id"), ["version_id"], unique=False)
        batch_op.create_index("ix_deployment_of_entry", ["entry_id", "environment", "id"], unique=False)


def downgrade() -> None:
    _set_names_apart()
    op.drop_table("deployment")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index("ix_entry_owner")
        batch_op.drop_index("ix_entry_app_name")
        batch_op.drop_index("ix_entry_own_name")
        batch_op.create_index("ix_entry_own_name", ["owner_id", "kind", "name_key"], unique=True)
        batch_op.drop_constraint(batch_op.f("fk_entry_app_id_app"), type_="foreignkey")
        batch_op.drop_column("app_id")

    op.drop_table("app")


def _set_names_apart() -> None:
    """Outside apps a name is its owner's alone."""
    connection = op.get_bind()
    for row in connection.execute(sa.text(_TAKEN)).all():
        name = f"{row.name[:150]} ({row.app[:60]} {str(row.id)[:8]})"
        new = {"id": row.id, "name": name, "key": unicodedata.normalize("NFC", name.casefold())}
        connection.execute(sa.text("UPDATE entry SET name = :name, name_key = :key WHERE id = :id"), new)


_TAKEN = """
    SELECT entry.id, entry.name, app.name AS app FROM entry JOIN app ON app.id = entry.app_id
    WHERE EXISTS (
        SELECT 1 FROM entry AS other
        WHERE other.owner_id = entry.owner_id AND other.kind = entry.kind AND other.name_key = entry.name_key
        AND other.id <> entry.id
    )
"""
