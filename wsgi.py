"""For any WSGI server: `wsgi:app`. `portal serve` runs the same application under gunicorn."""

import os

from portal import create_app
from portal.settings import warn_of_unknown

os.umask(0o077)  # whoever runs the server reads the database, and nobody else
warn_of_unknown(os.environ)
app = create_app()
