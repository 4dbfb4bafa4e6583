"""Errors of this package.

IngestError
└── BrokerError    the broker refused us, or does not keep what a session needs

A bad message is not an error: it is stored as a rejection.
"""


class IngestError(Exception):
    """Ingest cannot do its work."""


class BrokerError(IngestError):
    """The broker refused the connection or the subscription."""
