"""The command `poniente`: one door, one file per group of commands."""

import typer

main = typer.Typer(name="poniente")


@main.callback()
def poniente() -> None:
    """Field sensors to service verdicts to the month's payment."""


def run() -> None:
    """Run the command line."""
    main()
