"""For any WSGI server: `wsgi:app`. `portal serve` runs the same application under gunicorn."""

import os

from portal import create_app
from portal.settings import warn_of_unknown

warn_of_unknown(os.environ)
app = create_app()
