"""Errors of this package.

SensorsError
└── TopicError      a topic that the grammar cannot build

A message that cannot be understood is not an error: it is a `Rejection` (see `readings`).
"""


class SensorsError(Exception):
    """The vocabulary was used wrongly by our own code."""


class TopicError(SensorsError):
    """A topic cannot be built from these parts."""
