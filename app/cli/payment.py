"""Commands from readings to money: assess, statement, act, pay, explain."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Database, FormatOption, LanguageOption
from app.cli.output import Format, note

Contract = Annotated[str, typer.Argument(help="The contract's id.")]


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.command(epilog="Example: poniente assess vega-poniente-2026 --from 2026-09-01 --to 2026-10-01")(assess)
    main.command(epilog="Example: poniente statement vega-poniente-2026 2026-09 --issue --lang es")(statement)
    main.command(
        epilog="Example: poniente act vega-poniente-2026 LINE --effect firm --number 1204 --date 2026-12-03 "
        "--signer alcaldesa --document decreto-1204.pdf"
    )(act)
    main.command(epilog="Example: poniente pay ./contract determinations.csv --period 2026-09")(pay)
    main.command(epilog="Example: poniente explain vega-poniente-2026 2026-09/container-full/VP-0407/2026-09-02")(
        explain
    )


def assess(
    contract: Contract,
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Day after the last.")],
    database: Database = None,
    determinations: Annotated[
        bool, typer.Option("--determinations", help="Print each determination, not their sums.")
    ] = False,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Judge every check of a span of days from what is known now, and store what is new."""
    from datetime import UTC

    from app.cli import show
    from app.cli.options import open_database
    from app.errors import UsageError
    from app.jobs.assess import run

    if until <= since:
        raise UsageError(f"--to {until.date()} is not after --from {since.date()}")
    with open_database(database, "assess") as connection:
        done = run(connection, contract, (since.date(), until.date()), datetime.now(UTC))
    if determinations:
        show.determinations(done.found, form, show.language(language))
    else:
        show.compliance(done.found, form, show.language(language))
    note(f"{len(done.found)} checks judged, {done.new} with a new result")


def statement(
    contract: Contract,
    month: Annotated[str, typer.Argument(help="For example 2026-09.")],
    issue: Annotated[bool, typer.Option("--issue", help="Issue it: from then on it never changes.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Issue although readings are still coming in, or none came.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for statement.json, .csv, issue.json.")] = None,
    as_known_on: Annotated[
        datetime | None,
        typer.Option(
            "--as-known-on",
            formats=["%Y-%m-%d"],
            help="Draft from what was known at the end of that day, UTC.",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Show a month's statement: as issued, or else a draft of what is known now."""
    import json
    from datetime import UTC, timedelta

    from app.cli import show
    from app.cli.options import open_database
    from app.errors import UsageError
    from app.export import files
    from app.jobs import statements
    from rules.records import canonical
    from storage.statements import read

    check_month(month)
    if as_known_on is not None and (issue or out is not None):
        raise UsageError("--as-known-on drafts; leave out --issue and --out")
    known_by = None if as_known_on is None else as_known_on.replace(tzinfo=UTC) + timedelta(days=1)
    with open_database(database, "statement") as connection:
        issued = None if known_by else read(connection, contract, month)
        if issue and issued is None:
            issued = statements.issue(connection, contract, month, datetime.now(UTC), is_hasty=now)
        if issued is not None:
            body, record = issued.body, issued.issue
        else:
            if out is not None:
                raise UsageError(f"the statement of {month} is a draft; --out writes issued statements: add --issue")
            drafted = statements.draft(connection, contract, month, datetime.now(UTC), known_by)
            at = known_by or datetime.now(UTC)
            body = canonical(drafted.statement.body)
            record = statements.issue_record(connection, drafted, month, at)
            note(f"draft: not issued; {drafted.missing} checks of the month are not judged yet")
    if out is not None:
        files.write_statement(out, body, record)
    show.statement(json.loads(body), record, form, show.language(language))


def act(
    contract: Contract,
    line: Annotated[str, typer.Argument(help="Id of a line in procedure.")],
    effect: Annotated[str, typer.Option("--effect", help="firm, annulled or reduced.")],
    number: Annotated[str, typer.Option("--number", help="Number of the act.")],
    date: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Date of the act.")],
    signer: Annotated[str, typer.Option("--signer", help="Who signed it.")],
    document: Annotated[Path, typer.Option("--document", help="The signed document; its digest is recorded.")],
    role: Annotated[
        str, typer.Option("--role", help="The signer's office, where the terms have due process.", show_default=False)
    ] = "",
    amount: Annotated[
        str, typer.Option("--amount", help="What a reduced line is charged with.", show_default=False)
    ] = "",
    reason: Annotated[
        str,
        typer.Option("--reason", help="Why it is annulled, where the terms have due process.", show_default=False),
    ] = "",
    database: Database = None,
) -> None:
    """Record an officer's act on a line in procedure; a fine is charged only when an act has made it firm.

    Where the terms have due process, a line becomes firm, or is annulled, only as the process allows it; there
    poniente process decide reduces it.
    """
    from datetime import UTC

    from app.cli.options import open_database
    from app.cli.output import file_digest
    from app.errors import UsageError
    from app.jobs.process import Signed
    from app.jobs.statements import record_act
    from rules.records import Act

    if effect not in ("firm", "annulled", "reduced"):
        raise UsageError(f"effect {effect!r} is neither firm nor annulled nor reduced")
    if (effect == "reduced") != bool(amount):
        raise UsageError("--amount says what a reduced line is charged with; no other effect has one")
    said = Act(line, effect, number, date.date().isoformat(), signer, file_digest(document), amount)
    with open_database(database, "act") as connection:
        record_act(connection, contract, said, datetime.now(UTC), Signed(role, reason))
    note(f"act {number} recorded: {line} is {effect}; it counts in the next statement")


def pay(
    terms: Annotated[Path, typer.Argument(help="Contract folder.")],
    determinations: Annotated[
        Path,
        typer.Argument(
            help="As assess --determinations --format csv writes it, or plain facts: standard,subject,zone,day,value."
        ),
    ],
    period: Annotated[str, typer.Option("--period", help="For example 2026-09.")],
    opening: Annotated[Path | None, typer.Option("--opening", help="Closing state of the month before.")] = None,
    restate: Annotated[
        list[Path] | None,
        typer.Option("--restate", help="Determinations of an issued month still open to late data; once for each."),
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="Acts and chosen sums: JSON with lists `acts`, `choices`.")
    ] = None,
    reliefs: Annotated[
        Path | None, typer.Option("--reliefs", help="Reliefs granted: JSON with a list `reliefs`.")
    ] = None,
    closing: Annotated[Path | None, typer.Option("--closing", help="File to write the closing state to.")] = None,
    form: FormatOption = Format.JSON,
    language: LanguageOption = None,
) -> None:
    """Compute a statement from files alone: the same calculation, with no database."""
    import sys

    from app.cli import show
    from app.errors import UsageError
    from app.export.files import read_decided, read_json, read_reliefs, read_text, write_text
    from app.export.tables import read_checks
    from app.jobs.contracts import load_files, read_folder
    from rules.assess import opportunities
    from rules.calendar import month_days
    from rules.payments.restate import Earlier
    from rules.payments.statement import settle
    from rules.records import canonical

    check_month(period)
    loaded = load_files(read_folder(terms))
    found = read_checks(read_text(determinations), loaded.terms)
    before = read_json(opening) if opening else None
    decided = [*(read_decided(inputs) if inputs else []), *(read_reliefs(reliefs) if reliefs else [])]
    earlier: dict[str, Earlier] = {}
    for path in restate or []:
        rows = read_checks(read_text(path), loaded.terms)
        if not rows:
            raise UsageError(f"{path} holds no determination, so no month to restate")
        earlier[rows[0].day[:7]] = Earlier(loaded.terms, rows)
    done = settle(loaded.terms, found, period, before, decided, earlier)
    if untold := sorted(set((before or {}).get("stated", {})) - set(earlier)):
        note(f"{', '.join(untold)} can be restated; without --restate nothing that came late is taken in")
    if before and before["in_procedure"] and inputs is None:
        note(f"{len(before['in_procedure'])} lines are in procedure; without --inputs no act on them is taken in")
    expected = opportunities(loaded.terms, loaded.register, month_days(period))
    if missing := len(expected - {one.opportunity for one in found}):
        note(f"{missing} of the month's {len(expected)} checks are not in {determinations.name}: they count as met")
    if closing is not None:
        write_text(closing, canonical(done.closing))
    if form == Format.JSON:
        sys.stdout.write(canonical(done.body))
    else:
        show.statement(done.body, {}, form, show.language(language))


def explain(
    contract: Contract,
    line: Annotated[str, typer.Argument(help="Id of a statement's line.")],
    database: Database = None,
    segment: Annotated[
        str,
        typer.Option("--segment", help="Street segment: show each vehicle's passes along it.", show_default=False),
    ] = "",
    readings: Annotated[bool, typer.Option("--readings/--no-readings", help="Show the readings it rests on.")] = True,
    language: LanguageOption = None,
) -> None:
    """Say why a line is what it is: its sentence, its steps, the check behind it, the readings behind that."""
    from datetime import UTC

    from app.cli import evidence, show
    from app.cli.options import open_database
    from app.jobs.explaining import explain as run

    with open_database(database, "explain") as connection:
        why = run(connection, contract, line, datetime.now(UTC), segment)
    evidence.explanation(why, show.language(language), with_readings=readings)


def check_month(month: str) -> None:
    """Refuse a month that is none.

    Raises
    ------
    UsageError
        When it is not written as 2026-09.
    """
    from app.errors import UsageError
    from rules.calendar import month_days

    try:
        month_days(month)
    except ValueError as error:
        raise UsageError(str(error)) from error
