"""Commands of due process: what was done on lines in procedure, and where they stand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import Database, FormatOption, LanguageOption
from app.cli.output import Format, note

if TYPE_CHECKING:
    from storage.connection import Connection

process = typer.Typer(
    help="Due process on the lines of issued statements.", no_args_is_help=True, rich_markup_mode=None
)

Contract = Annotated[str, typer.Argument(help="The contract's id.")]
Lines = Annotated[list[str], typer.Argument(help="Ids of lines in procedure.")]
Number = Annotated[str, typer.Option("--number", help="Number of the act.")]
Signer = Annotated[str, typer.Option("--signer", help="Who signed it.")]
Role = Annotated[str, typer.Option("--role", help="Office in which they signed, as the terms name it.")]
Document = Annotated[Path, typer.Option("--document", help="The signed or filed document; its digest is recorded.")]
At = Annotated[
    str,
    typer.Option(
        "--at", help="Local date, or date and time as 2026-10-05T12:00; now by default.", show_default=False
    ),
]
Key = Annotated[
    str,
    typer.Option("--request-key", help="A name for this request: said again it changes nothing.", show_default=False),
]
Channel = Annotated[str, typer.Option("--channel", help="Channel, as the terms name it.")]
Proof = Annotated[Path, typer.Option("--proof", help="Proof that it was sent; its digest is recorded.")]
Reason = Annotated[str, typer.Option("--reason", help="Reason, in the officer's words.")]
Outcome = Annotated[str, typer.Option("--outcome", help="upheld, accepted (the defence is) or reduced.")]
Amount = Annotated[str, typer.Option("--amount", help="What is left of the fine, where it is reduced.")]
Filer = Annotated[str, typer.Option("--by", help="Who filed it for the contractor.")]
_ACT = "--number DA-31 --signer 'M. Soto' --role inspector --document acto.pdf"


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.add_typer(process, name="process")


@process.command("show", epilog="Example: poniente process show vega-poniente-2026 --lang es")
def show(
    contract: Contract,
    line: Annotated[str, typer.Argument(help="Id of one line; all where none is given.", show_default=False)] = "",
    at: At = "",
    database: Database = None,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Show where lines stand, which time limits run, in local time, and what may come next and by whom."""
    from app.cli import procedure
    from app.cli import show as shown
    from app.cli.options import open_database
    from app.jobs.contracts import load_stored, newest_day
    from app.jobs.process import case, cases, expired
    from storage.instants import instant

    lang = shown.language(language)
    with open_database(database, "process show") as connection:
        now = instant(_instant(connection, contract, at))
        if line and form == Format.TABLE:
            procedure.case(case(connection, contract, line, now), lang)
            return
        found = {line: case(connection, contract, line, now)} if line else cases(connection, contract, now)
        currency = load_stored(connection, contract, newest_day(connection, contract)).terms.file.money.currency
    procedure.cases(found.values(), form, lang)
    if form == Format.TABLE and (ended := expired(found)):
        procedure.expired(ended, currency, lang)


@process.command(
    "alert",
    epilog="Example: poniente process alert vega-poniente-2026 LINE --channel platform --proof alert.eml "
    "--signer 'M. Soto' --role inspector --at 2026-09-14T09:30",
)
def alert(
    contract: Contract,
    lines: Lines,
    channel: Channel,
    proof: Proof,
    signer: Signer,
    role: Role,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record that the contractor was warned of what became a line, with the proof."""
    says = {"channel": channel, "proof_sha256": proof, "person": signer, "role": role}
    _record("alert", (contract, lines), says, (at, request_key, database))


@process.command(
    "propose", epilog=f"Example: poniente process propose vega-poniente-2026 LINE {_ACT} --at 2026-10-05"
)
def propose(
    contract: Contract,
    lines: Lines,
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record the act that proposes lines; the contractor must be notified of it before a clock runs."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document}
    _record("notice", (contract, lines), says, (at, request_key, database))


@process.command(
    "notify",
    epilog="Example: poniente process notify vega-poniente-2026 LINE --of notice --channel platform "
    "--proof receipt.pdf --signer 'M. Soto' --role inspector --at 2026-10-05T12:00",
)
def notify(
    contract: Contract,
    lines: Lines,
    channel: Channel,
    proof: Proof,
    signer: Signer,
    role: Role,
    of: Annotated[str, typer.Option("--of", help="notice, decision or appeal_decision.")] = "notice",
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record that an act was sent to the contractor; clocks run from when the channel deems it received."""
    says = {"of": of, "channel": channel, "proof_sha256": proof, "person": signer, "role": role}
    _record("notification", (contract, lines), says, (at, request_key, database))


@process.command(
    "defend",
    epilog="Example: poniente process defend vega-poniente-2026 LINE --by 'Aseos SpA' --document descargos.pdf "
    "--ground 'street closed' --at 2026-10-21T16:40",
)
def defend(
    contract: Contract,
    lines: Lines,
    by: Filer,
    document: Document,
    ground: Annotated[str, typer.Option("--ground", help="What it rests on.")] = "",
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record a defence that was filed; one that is late is kept, and has no effect."""
    says = {"person": by, "document_sha256": document, "reason": ground}
    _record("defence", (contract, lines), says, (at, request_key, database))


@process.command("hear", epilog=f"Example: poniente process hear vega-poniente-2026 LINE {_ACT}")
def hear(
    contract: Contract,
    lines: Lines,
    signer: Signer,
    role: Role,
    document: Document,
    number: Number = "",
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record an officer's report on a defence or an appeal."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document}
    _record("hearing", (contract, lines), says, (at, request_key, database))


@process.command(
    "decide",
    epilog=f"Example: poniente process decide vega-poniente-2026 LINE {_ACT} --outcome reduced --amount 20000 "
    "--reason 'emptied two hours later' --at 2026-11-04",
)
def decide(
    contract: Contract,
    lines: Lines,
    outcome: Outcome,
    reason: Reason,
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    amount: Amount = "",
    is_appeal: Annotated[bool, typer.Option("--appeal", help="It decides the appeal.")] = False,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record the decision on a defence, or on an appeal."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document, "reason": reason}
    says |= {"outcome": outcome, "amount": amount}
    kind = "appeal_decision" if is_appeal else "decision"
    _record(kind, (contract, lines), says, (at, request_key, database))


@process.command(
    "appeal",
    epilog="Example: poniente process appeal vega-poniente-2026 LINE --by 'Aseos SpA' --document reposicion.pdf",
)
def appeal(
    contract: Contract,
    lines: Lines,
    by: Filer,
    document: Document,
    ground: Annotated[str, typer.Option("--ground", help="What it rests on.")] = "",
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record an appeal that was filed; one that is late is kept, and has no effect."""
    says = {"person": by, "document_sha256": document, "reason": ground}
    _record("appeal", (contract, lines), says, (at, request_key, database))


@process.command("firm", epilog=f"Example: poniente process firm vega-poniente-2026 LINE {_ACT} --at 2026-12-03")
def firm(
    contract: Contract,
    lines: Lines,
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record the act that makes lines firm, which the process must allow; the next statement charges them."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document}
    _record("firm", (contract, lines), says, (at, request_key, database))


@process.command("forgive", epilog=f"Example: poniente process forgive vega-poniente-2026 LINE {_ACT} --reason why")
def forgive(
    contract: Contract,
    lines: Lines,
    reason: Reason,
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record a reasoned act not to apply a fine; only where a clause of the terms allows it."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document, "reason": reason}
    _record("forgiving", (contract, lines), says, (at, request_key, database))


@process.command("forgiven", epilog="Example: poniente process forgiven vega-poniente-2026 --format csv")
def forgiven(
    contract: Contract,
    at: At = "",
    database: Database = None,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Report what was forgiven by a reasoned act: by month of the act and by who signed it."""
    from app.cli import procedure
    from app.cli import show as shown
    from app.cli.options import open_database
    from app.jobs.process import cases
    from app.jobs.process import forgiven as report
    from storage.instants import instant

    with open_database(database, "process forgiven") as connection:
        found = report(cases(connection, contract, instant(_instant(connection, contract, at))))
    procedure.forgiven(found, form, shown.language(language))


@process.command("expire", epilog=f"Example: poniente process expire vega-poniente-2026 LINE {_ACT}")
def expire(
    contract: Contract,
    lines: Lines,
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record the act that notes what time has ended: no notice in time, or a city that did not decide."""
    says = {"number": number, "person": signer, "role": role, "document_sha256": document}
    _record("expiry", (contract, lines), says, (at, request_key, database))


def _record(kind: str, what: tuple[str, list[str]], says: dict[str, Any], how: tuple[str, str, str | None]) -> None:
    """Record one thing on one line or several, under one number or not at all."""
    from datetime import UTC, datetime

    from app.cli import procedure
    from app.cli.options import open_database
    from app.cli.output import file_digest
    from app.jobs.process import record
    from rules.process.records import Record, RecordKind
    from storage.registers import Request

    (contract, lines), (at, key, database) = what, how
    fields = {name: file_digest(value) if isinstance(value, Path) else value for name, value in says.items()}
    # As it was typed: a request said again a minute later is the same request.
    request = Request(key, {"kind": kind, "lines": list(lines), "at": at, **fields})
    with open_database(database, f"process {kind}") as connection:
        at_us = _instant(connection, contract, at)
        made = [Record(RecordKind(kind), line, at_us, **fields) for line in lines]
        done = record(connection, contract, made, request, datetime.now(UTC))
    for message in procedure.recorded(done):
        note(message)


def _instant(connection: "Connection", contract: str, said: str) -> int:
    from app.cli.procedure import instant_us

    return instant_us(connection, contract, said)
