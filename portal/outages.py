"""What a database that is away, busy, full or too slow means to a caller."""

from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from portal.errors import NoSpace, PortalError, TookTooLong, Unavailable

# The beginnings of SQLite's names and PostgreSQL's codes.
_FULL = ("SQLITE_FULL", "53100")
_LATE = ("SQLITE_INTERRUPT", "57014")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40", "53300")
_AWAY = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_NOTADB", "08", "25P0", "53", "57P", "58")


def explain(error: Exception) -> PortalError | None:
    """None where the database is well, and a statement of ours was wrong.

    `error` is SQLAlchemy's: of the driver, of a pool with nothing to lend, of a session that has lost its connection.
    """
    if isinstance(error, TimeoutError):
        return Unavailable("The portal is busy at the moment. Nothing was changed.")
    origin = error.orig if isinstance(error, DBAPIError) else None
    code: str = getattr(origin, "sqlite_errorname", None) or getattr(origin, "sqlstate", None) or ""
    if code.startswith(_FULL):
        return NoSpace("The disk of the portal's database is full. Nothing was changed.")
    if code.startswith(_LATE):
        return TookTooLong(
            "The database was stopped after a few seconds of work on this, and nothing was changed. "
            "Ask for less at once: one model, one experiment, a shorter time."
        )
    if code.startswith(_BUSY):
        return Unavailable("The database is busy with other work at the moment. Nothing was changed.")
    if isinstance(error, DBAPIError) and not error.connection_invalidated:
        # psycopg has no code for a server that it does not find
        is_away = code.startswith(_AWAY) or (not code and isinstance(error, OperationalError))
        return Unavailable("The database cannot be reached at the moment. Nothing was changed.") if is_away else None
    if isinstance(error, DBAPIError) and error.statement is None:
        return Unavailable("The database broke off while it kept this. Look whether it did before you try again.")
    return Unavailable("The connection to the database broke. Nothing was changed.")
