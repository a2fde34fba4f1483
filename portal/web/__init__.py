"""The pages: server-rendered HTML over the same verbs as the JSON."""

from flask import Flask

from portal.web import (
    access,  # noqa: F401 - its routes are among those of `entries`
    account,
    activity,  # noqa: F401 - its route is among those of `entries`
    admin,
    admin_users,  # noqa: F401 - its routes are among those of `admin`
    apps,
    circumstances,
    context,
    datasets,
    entries,
    environments,  # noqa: F401 - its route is among those of `entries`
    files,
    home,
    record_files,
    record_form,
    record_import,
    records,
    runs,  # noqa: F401 - its routes are among those of `entries`
    sessions,
    teams,
    uploads,
)


def init_app(app: Flask) -> None:
    context.init_app(app)
    for module in (
        home,
        sessions,
        account,
        entries,
        files,
        uploads,
        records,
        record_form,
        record_import,
        record_files,
        circumstances,
        admin,
        datasets,
        teams,
        apps,
    ):
        app.register_blueprint(module.pages)
