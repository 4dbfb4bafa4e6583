"""What can go wrong with a server on this machine.

::

    LocalServerError
    ├── ServerNotFoundError   its programs are missing, or its account cannot reach them
    └── ServerFailedError     it did not start, or it ended when it should not
"""


class LocalServerError(Exception):
    """A server on this machine cannot be had."""


class ServerNotFoundError(LocalServerError):
    """The server's programs are missing, or its account cannot reach them or its folder."""


class ServerFailedError(LocalServerError):
    """The server did not start, or it ended when it should not."""
