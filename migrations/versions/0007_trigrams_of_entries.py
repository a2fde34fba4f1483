"""Trigrams of entries, where PostgreSQL has the extension for them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    try:
        with connection.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DBAPIError:  # not installed on that machine, or not for this role: searches read every entry
        return
    schema = connection.scalar(sa.text(_SCHEMA))
    op.execute(
        f"CREATE INDEX ix_entry_trigrams ON entry USING gin ("
        f" lower(name_key || E'\\n' || description || E'\\n' || type) \"{schema}\".gin_trgm_ops)"
    )


_SCHEMA = (
    "SELECT nspname FROM pg_namespace JOIN pg_extension ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'"
)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS ix_entry_trigrams")
