"""The command `poniente network`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import note


def register(main: typer.Typer) -> None:
    """Hang the command onto the command line."""
    main.command(epilog="Example: poniente network city.osm.pbf --out network.geojson")(network)


def network(
    file: Annotated[Path, typer.Argument(help="OpenStreetMap extract: .osm.pbf, .osm, .osm.bz2, .opl.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="GeoJSON file to write; else standard output.", show_default=False)
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="Service roads too: alleys, parking aisles, driveways.")
    ] = False,
) -> None:
    """Make a network of street segments from an OpenStreetMap extract."""
    import sys

    from app.errors import RefusedError, UsageError
    from app.jobs.network import geojson, split

    try:
        from app.jobs.extract import read_ways
    except ImportError as error:
        raise UsageError(f"{file} needs osmium, which is not here: pip install osmium") from error
    segments = list(split(read_ways(file, with_service=service)))
    if not segments:
        raise RefusedError(f"{file} holds no street that may be driven; is it the right extract?")
    if out is None:
        sys.stdout.writelines(geojson(segments))
    else:
        try:
            with out.open("w", encoding="utf-8", newline="\n") as target:
                target.writelines(geojson(segments))
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    oneway = sum(segment.is_oneway for segment in segments)
    note(f"{len(segments)} segments, {oneway} of them one-way, {sum(bool(one.name) for one in segments)} with a name")
