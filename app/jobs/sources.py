"""The file that declares an installation's sources."""

from pathlib import Path

from app.errors import UsageError
from ingest.errors import SourcesError
from ingest.sources import read_sources
from sensors.sources import Source


def read_sources_file(name: str) -> tuple[Source, ...]:
    """Read the sources; none where no file is named.

    Raises
    ------
    UsageError
        When the file cannot be read, or declares what cannot be.
    """
    if not name:
        return ()
    try:
        return read_sources(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SourcesError) as error:
        raise UsageError(f"sources {name} do not load: {error}") from error
