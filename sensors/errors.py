"""Errors of this package.

SensorsError
├── TopicError      a topic that the grammar cannot build
└── FrameError      bytes of a radio frame that are not of their codec's layout; becomes a `Rejection`

A message that cannot be understood is not an error: it is a `Rejection` (see `readings`).
"""


class SensorsError(Exception):
    """The vocabulary was used wrongly by our own code."""


class TopicError(SensorsError):
    """A topic cannot be built from these parts."""


class FrameError(SensorsError):
    """A frame is not of its codec's layout: its length, its port, or a byte that the codec does not know."""
