"""Model files, read and checked by Myokit, and their variants."""

try:
    import myokit  # noqa: F401
except OSError:  # it makes a folder for its settings in the user's home, which is missing or read-only
    import os
    from tempfile import TemporaryDirectory
    from unittest import mock

    with TemporaryDirectory() as home, mock.patch.dict(os.environ, HOME=home):
        import myokit  # noqa: F401
