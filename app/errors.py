"""Errors of this package.

AppError
├── UsageError         the command was used wrongly: exit status 2
├── RefusedError       what was asked for does not hold or cannot be done now: exit status 1
└── BrokenBundleError  a bundle is not what it has to be: exit status 1
"""


class AppError(Exception):
    """A command cannot do its work; the message says what to do."""


class UsageError(AppError):
    """The command was used wrongly."""


class RefusedError(AppError):
    """What was asked for does not hold, or cannot be done now."""


class BrokenBundleError(AppError):
    """A bundle is not what it has to be.

    Parameters
    ----------
    message : str
    file : str
        The bundle's file that does not hold; empty where it is the bundle itself.
    """

    def __init__(self, message: str, file: str = "") -> None:
        super().__init__(message)
        self.file = file
