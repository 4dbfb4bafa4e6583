"""Commands on contracts: check, new contract, contract add."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Database, FormatOption, LanguageOption
from app.cli.output import Format, note

new = typer.Typer(help="Make a starting point.", no_args_is_help=True, rich_markup_mode=None)
contract = typer.Typer(help="Store contracts.", no_args_is_help=True, rich_markup_mode=None)


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.command(epilog="Example: poniente check ./vega-poniente")(check)
    main.command(epilog="Example: poniente packs cl")(packs)
    main.add_typer(new, name="new")
    main.add_typer(contract, name="contract")


def check(
    terms: Annotated[Path, typer.Argument(help="Contract folder.")],
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Load a contract folder: what is wrong or undeclared, or else the most that each level can cost in a month."""
    from app.cli import show
    from app.jobs.contracts import load_files, open_readings, read_folder
    from rules.errors import TermsError

    lang = show.language(language)
    files = read_folder(terms)
    try:
        loaded = load_files(files)
    except TermsError as error:
        show.findings(error.findings, form, lang, open_readings(files, error.findings))
        count = len(error.findings)
        note(f"{count} finding{'s' if count > 1 else ''}; the contract does not load")
        raise typer.Exit(1) from None
    from app.jobs.flags import flags
    from app.jobs.packs import is_binding, pack_findings
    from app.jobs.stakes import stakes

    file = loaded.terms.file
    show.stakes(stakes(loaded), file.money.currency, form, lang)
    note(
        f"{file.contract.id} version {file.contract.version} loads; standards: {len(file.standard)}, "
        f"zones: {len(loaded.terms.zones)}, assets: {len(loaded.register.assets)}, "
        f"installations: {len(loaded.register.installations)}"
    )
    flagged = [*flags(loaded), *pack_findings(loaded.terms)]
    show.findings(flagged, Format.TABLE, lang)
    asked = sum(map(is_binding, flagged))
    if unconfirmed := len(flagged) - asked:
        note(f"{unconfirmed} by unconfirmed entries of the rule pack; they do not change the exit status")
    if asked:
        note(f"{asked} to be asked about; the contract loads all the same")
        raise typer.Exit(1)


def packs(
    jurisdiction: Annotated[str, typer.Argument(help="Whose pack; all where none is named.")] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """List rule packs: what a jurisdiction bounds, by which source, and whether anybody has confirmed it."""
    from app.cli.output import print_rows
    from app.jobs.packs import known_packs, pack_of
    from rules.packs.model import value_of

    rows = [
        {
            "entry": f"{name}/{one.id}",
            "bounds": one.bounds,
            "value": value_of(one),
            "status": one.status,
            "date": one.date.isoformat(),
            "reviewer": one.reviewer,
            "source": one.source,
        }
        for name in ([jurisdiction] if jurisdiction else known_packs())
        for one in pack_of(name).entry
    ]
    print_rows(dict(zip(rows[0], rows[0], strict=True)), rows, form)


@new.command("contract", epilog="Example: poniente new contract ./my-contract")
def new_contract(folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist.")]) -> None:
    """Write a commented contract folder that loads, to be changed into your own."""
    from app.jobs.templates import own_contract, write_contract

    write_contract(folder, own_contract(folder))
    note(f"{folder} holds a contract that loads; change it and run: poniente check {folder}")


@contract.command("add", epilog="Example: poniente contract add ./vega-poniente")
def contract_add(
    folder: Annotated[Path, typer.Argument(help="Contract folder.")],
    database: Database = None,
) -> None:
    """Store a version of the terms, which never changes again, and the register of assets and installations."""
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.jobs.contracts import add_folder

    with open_database(database, "contract add") as connection:
        loaded, added = add_folder(connection, folder, datetime.now(UTC))
    terms = loaded.terms
    stored = "is stored already" if added.version_seq is None else "is stored"
    same = "unchanged" if added.register_revision is None else f"revision {added.register_revision}"
    note(f"{terms.id} version {terms.version} {stored}; register of {len(loaded.register.assets)} assets: {same}")
