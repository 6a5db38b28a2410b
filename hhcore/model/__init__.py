"""Model files, read and checked by Myokit, and their variants."""

import os

try:
    if os.path.expanduser("~") == "~":  # the user has no home: it would make a folder of that name
        raise OSError
    import myokit  # noqa: F401
except OSError:  # it makes a folder for its settings in the user's home, which is missing or read-only
    from tempfile import TemporaryDirectory
    from unittest import mock

    with TemporaryDirectory() as home, mock.patch.dict(os.environ, HOME=home):
        import myokit  # noqa: F401
