"""Everything that the database holds, to show that a refused request left no trace."""

from flask import Flask
from sqlalchemy import select

from portal.extensions import db

NOT_CONTENT = {"attempt"}  # counting failures is what a failure leaves


def contents(app: Flask) -> dict[str, list[str]]:
    """The rows of every table as text, in no order of their own."""
    with app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name not in NOT_CONTENT]
        return {table.name: sorted(map(repr, db.session.execute(select(table)))) for table in tables}
