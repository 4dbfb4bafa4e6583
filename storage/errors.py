"""Errors of this package.

StorageError
├── ConnectionStringError  the connection string cannot be read
├── MigrationError     a migration was edited, is missing, or failed
├── AlreadyThereError  something immutable is there with other content
├── NotThereError      what was asked for is not stored
└── LedgerError        the chain does not hold
"""


class StorageError(Exception):
    """The database does not hold what it should."""


class ConnectionStringError(StorageError):
    """The connection string cannot be read."""


class MigrationError(StorageError):
    """The schema cannot be brought to this release."""


class AlreadyThereError(StorageError):
    """Something immutable is stored already, with other content."""


class NotThereError(StorageError):
    """What was asked for is not stored."""


class LedgerError(StorageError):
    """The chain of a contract's ledger does not hold."""
