"""The command `poniente`: one door, one file per group of commands.

Commands import what they need when they run: asking for help must not wait for a compiler.
"""

import gc
import sys

import typer

from app.cli import bundle, contract, demo, field, matching, network, payment, process, registers

main = typer.Typer(
    name="poniente",
    help="Field sensors to service verdicts to the month's payment.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


# Commands that log nothing and need no settings: reading those takes longer than many a file of fixes.
_BARE = frozenset({"match"})


@main.callback()
def prepare(context: typer.Context) -> None:
    """Field sensors to service verdicts to the month's payment."""
    if context.invoked_subcommand in _BARE:
        return
    from app.logs import set_up
    from app.settings import Settings

    set_up(Settings())


for group in (demo, contract, field, payment, bundle, process, registers, network, matching):
    group.register(main)


def run() -> None:
    """Run the command line: exit status 0 on success, 1 when what was checked does not hold, 2 on wrong use."""
    try:
        main()
    except Exception as error:
        status = explain(error)
        if status is None:
            raise
        sys.exit(status)
    finally:
        # What is left goes with the process: looking through it once more takes a tenth of a short command's time.
        gc.freeze()


def explain(error: Exception) -> int | None:
    """Tell an error of ours or of the world in one line; None for what is our fault and needs its traceback."""
    from pydantic import ValidationError

    from app.cli.output import note
    from app.errors import AppError, UsageError
    from app.local.errors import LocalServerError
    from app.text import finding_text
    from ingest.errors import IngestError
    from rules.errors import RulesError, TermsError
    from storage.connection import AWAY, REFUSED
    from storage.errors import ConnectionStringError, StorageError

    if isinstance(error, TermsError):
        for finding in error.findings:
            note(f"{finding.code}: {finding_text(finding)}")
        return 1
    if isinstance(error, AppError | StorageError | IngestError | RulesError | LocalServerError):
        note(f"poniente: {error}")
        return 2 if isinstance(error, UsageError | ConnectionStringError) else 1
    if isinstance(error, ValidationError) and error.title == "Settings":
        for problem in error.errors():
            note(f"poniente: PONIENTE_{str(problem['loc'][0]).upper()}: {problem['msg']}, not {problem['input']!r}")
        return 2
    if isinstance(error, AWAY):
        note(f"poniente: the database does not answer: {str(error).strip()}")
        return 1
    if isinstance(error, REFUSED):
        note(f"poniente: the database refused: {str(error).strip()}")
        return 1
    return None


if __name__ == "__main__":
    run()
