"""The command `poniente match`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import FormatOption
from app.cli.output import Format, note, print_rows

if TYPE_CHECKING:
    from app.jobs.fix_file import FixFile
    from app.jobs.matching import Summary
    from rules.places import Network

_LINES_SHOWN = 5
_HEADINGS = {
    "segment_id": "Segment",
    "length_m": "Length m",
    "proven_m": "Proven m",
    "possible_m": "Possible m",
    "pass_count": "Passes",
}


def register(main: typer.Typer) -> None:
    """Hang the command onto the command line."""
    main.command("match", epilog="Example: poniente match streets.geojson fixes.csv --path path.csv")(match_files)


def match_files(
    network: Annotated[Path, typer.Argument(help="Streets: GeoJSON (docs/match.md).")],
    fixes: Annotated[Path, typer.Argument(help="Position fixes: CSV with vehicle_id,t,lon,lat (docs/match.md).")],
    path: Annotated[
        Path | None, typer.Option("--path", help="Write what each vehicle drove, as CSV.", show_default=False)
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Write what of each segment was driven, as CSV.")
    ] = None,
    max_gap: Annotated[
        float, typer.Option("--max-gap", min=0.001, max=86_400, help="Fixes further apart vouch for nothing. [s]")
    ] = 60,
    accuracy: Annotated[
        float, typer.Option("--accuracy", min=0.1, max=1_000, help="Of fixes that do not say theirs. [m]")
    ] = 15,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", min=1, max=256, help="Vehicles at once; else the number of cores.", show_default=False
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Match position fixes to a street network: path with directions and times, proven and possible metres."""
    import os
    from contextlib import ExitStack

    from app.errors import UsageError
    from app.jobs import matching

    if network.suffix.lower() == ".csv":
        raise UsageError(f"{network} is a CSV file; streets come first: poniente match streets.geojson fixes.csv")
    streets = matching.network_of_file(network)
    file = matching.fixes_of_file(fixes, accuracy)
    try:
        with ExitStack() as stack:
            paths = stack.enter_context(path.open("wb")) if path else None
            sums = stack.enter_context(segments.open("w", encoding="utf-8", newline="")) if segments else None
            done = matching.match_all(
                streets, file.rows, round(max_gap * 1_000_000), threads or os.cpu_count() or 1, paths
            )
            if sums:
                sums.write(matching.segment_lines(streets, done.segments))
    except OSError as error:
        raise UsageError(f"{error.filename or path or segments} cannot be written: {error.strerror}") from error
    if not path and not segments:
        _print(streets, done, form)
    _tell(file, done, max_gap)
    if done.unmatched == done.fixes > 0 < len(streets.segment_ids):
        note(f"no fix lies near a street: {matching.whereabouts(streets, file.rows)}; longitude comes first")


def _print(streets: "Network", done: "Summary", form: Format) -> None:
    """Print the segments; as a table only those that were driven."""
    from app.jobs.matching import segment_rows

    rows = list(segment_rows(streets, done.segments))
    if form == Format.TABLE:
        rows = [row for row, possible_mm in zip(rows, done.segments.possible_mm, strict=True) if possible_mm > 0]
    print_rows(_HEADINGS, rows, form, right=list(_HEADINGS)[1:])


def _tell(file: "FixFile", done: "Summary", max_gap: float) -> None:
    """Say on standard error what was read and what was not used."""
    if file.ignored:
        note(f"columns not used: {', '.join(file.ignored)}")
    if file.merged:
        note(f"rows that repeat vehicle, instant and place of another, counted once: {file.merged}")
    if file.left_out:
        lines = ", ".join(str(line) for line in file.left_out[:_LINES_SHOWN])
        more = ", …" if len(file.left_out) > _LINES_SHOWN else ""
        count = len(file.left_out)
        note(f"rows left out, a vehicle being in two places at one instant: {count}, lines {lines}{more}")
    driven = int((done.segments.possible_mm > 0).sum())
    note(
        f"vehicles {done.vehicles}, fixes {done.fixes}, on no street {done.unmatched}, "
        f"gaps over {max_gap:g} s {done.gaps}; segments driven {driven} of {done.segments.length_mm.size}"
    )
