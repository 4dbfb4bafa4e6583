"""The command `poniente demo`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import LanguageOption
from app.cli.output import note


def register(main: typer.Typer) -> None:
    """Hang the command onto the command line."""
    main.command(epilog="Example: poniente demo --lang es --out ./poniente-demo")(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; an earlier demo's is replaced.")] = Path(
        "poniente-demo"
    ),
    seed: Annotated[int, typer.Option("--seed", help="Of the simulated months.")] = 1,
    scale: Annotated[float, typer.Option("--scale", min=0.01, max=100.0, help="1 is 40 containers.")] = 1.0,
    perfect: Annotated[
        bool, typer.Option("--perfect", help="A contractor who misses nothing, a quiet field.")
    ] = False,
    delivery_seed: Annotated[
        int | None,
        typer.Option("--delivery-seed", help="Of the order of arrival; any by default.", show_default=False),
    ] = None,
    database: Annotated[str, typer.Option("--database", help="An empty database to use instead of an own one.")] = "",
    broker: Annotated[str, typer.Option("--broker", help="host:port of a broker instead of an own one.")] = "",
    language: LanguageOption = None,
) -> None:
    """Run the whole flow on this machine: two simulated months, from sensors over MQTT to the statements."""
    import random
    import time

    from app.local.warming import warming
    from app.logs import set_up
    from app.settings import Settings

    set_up(Settings(), least="warning")
    begun = time.monotonic()
    order = random.SystemRandom().randrange(2**32) if delivery_seed is None else delivery_seed
    note("getting ready; the first time, kernels are compiled")
    with warming():
        # These import some kernels, and compile them beside the process that compiles the others.
        from app.cli import show
        from app.jobs import demo as job

        with show.Progress() as progress:
            outcome = job.run(job.Wish(out, seed, scale, order, database, broker, perfect), progress.tell)
    show.demo(outcome, show.language(language), out)
    if not outcome.report.holds:
        raise typer.Exit(1)
    note("published as " + ", ".join(f"{name} {count:,}" for name, count in outcome.formats.items()))
    note(f"seed {seed}, order of arrival {order}, {time.monotonic() - begun:.0f} s; results in {out}")
