"""Logs: to standard error, as text or JSON; never payloads, names, plates or credentials."""

import io
import logging
import sys
from typing import TextIO, cast

import structlog

from app.settings import Settings


class _StandardError(io.TextIOBase):
    """Standard error as it is when a line is logged: who has put another in its place may have closed it since."""

    def write(self, text: str, /) -> int:
        """Write to what is standard error now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def set_up(settings: Settings, least: str = "") -> None:
    """Send log lines to standard error in the chosen form.

    Parameters
    ----------
    settings : Settings
    least : str
        Least level logged, where a command knows better than the settings.
    """
    is_json = settings.log_format == "json"
    shown = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[(least or settings.log_level).upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
        cache_logger_on_first_use=True,
    )
