"""Errors of this package.

IngestError
├── BrokerError    the broker refused us, or does not keep what a session needs
└── SourcesError   the declared sources do not load

A bad message is not an error: it is stored as a rejection.
"""


class IngestError(Exception):
    """Ingest cannot do its work."""


class BrokerError(IngestError):
    """The broker refused the connection or the subscription."""


class SourcesError(IngestError):
    """The declaration of sources does not load; the message says what is wrong, and what is allowed."""
