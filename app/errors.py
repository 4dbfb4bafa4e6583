"""Errors of this package.

AppError
├── UsageError    the command was used wrongly: exit status 2
└── RefusedError  what was asked for does not hold or cannot be done now: exit status 1
"""


class AppError(Exception):
    """A command cannot do its work; the message says what to do."""


class UsageError(AppError):
    """The command was used wrongly."""


class RefusedError(AppError):
    """What was asked for does not hold, or cannot be done now."""
