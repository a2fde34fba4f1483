"""Records streamed as an ORM and pydantic do it: an instance, a model and a piece of the answer for every row.

Started by record_stream.py, which names the database in DATABASE_URL; `python orm_records.py PORT`.
Its one table has every name in every row, so that it needs no join.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ["DATABASE_URL"])
app = Flask(__name__)


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy's way


class Row(Base):
    __tablename__ = "flat"

    id: Mapped[str] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime]
    collection_date: Mapped[date]
    dataset_id: Mapped[str]
    dataset_name: Mapped[str]
    model_id: Mapped[str]
    model_name: Mapped[str]
    model_data: Mapped[dict[str, Any]]
    experiment_id: Mapped[str]
    experiment_name: Mapped[str]
    season_id: Mapped[str]
    season_name: Mapped[str]
    site_id: Mapped[str]
    site_name: Mapped[str]
    record_file: Mapped[str | None]
    record_info: Mapped[dict[str, Any]]


class Record(BaseModel):
    model_config = ConfigDict(from_attributes=True, protected_namespaces=())

    id: str
    timestamp: datetime
    collection_date: date
    dataset_id: str
    dataset_name: str
    model_id: str
    model_name: str
    model_data: dict[str, Any]
    experiment_id: str
    experiment_name: str
    season_id: str
    season_name: str
    site_id: str
    site_name: str
    record_file: str | None
    record_info: dict[str, Any]


@app.get("/records")
def records() -> Response:
    most = request.args.get("limit", type=int)

    def lines() -> Iterator[str]:
        with Session(engine) as session:
            query = select(Row).order_by(Row.timestamp, Row.id).limit(most).execution_options(yield_per=1000)
            for part in session.scalars(query).partitions():
                for row in part:
                    yield json.dumps(Record.model_validate(row).model_dump(mode="json")) + "\n"

    return Response(lines(), content_type="application/x-ndjson")


class Server(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{sys.argv[1]}")
        self.cfg.set("threads", 8)

    def load(self) -> Flask:
        return app


if __name__ == "__main__":
    Server().run()
