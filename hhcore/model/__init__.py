"""Model files, read and checked by Myokit, and their variants."""

import os
import tempfile
from unittest import mock

try:
    import myokit  # noqa: F401
except OSError:  # it makes a folder for its settings in the user's home, which is missing or read-only
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, HOME=home):
        import myokit  # noqa: F401
