"""For any WSGI server: `wsgi:app`. `portal serve` runs the same application under gunicorn."""

from portal import create_app

app = create_app()
