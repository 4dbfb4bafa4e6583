"""Commands of relief, of closing a month, and of the registers of invoices, guarantees and the payment checklist."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import Database, FormatOption, LanguageOption
from app.cli.output import Format, note
from app.cli.process import At, Contract, Document, Key, Number, Reason, Role, Signer

relief = typer.Typer(help="Claims of relief and what is decided.", no_args_is_help=True, rich_markup_mode=None)
period = typer.Typer(help="Close a month before its statement.", no_args_is_help=True, rich_markup_mode=None)
# What each is, its steps and what they say, an example. Written out: reading them off the rules would load half of
# them before anybody is helped.
_REGISTERS = {
    "invoice": (
        "Invoices: issued, received, accepted or rejected in time, assigned, paid.",
        "issue (amount, month, document), receive, accept, reject (reason), assign (to, document), pay (amount)",
        "F-1204 receive --by 'Oficina de partes'",
    ),
    "guarantee": (
        "Guarantees: what is lodged, drawn on, replenished, given back.",
        (
            "lodge (kind, issuer, amount, currency, expires, custodian), draw (amount, reason, number, document), "
            "replenish (amount), extend (expires), release (number)"
        ),
        "B-77 replenish --set amount=500000 --by 'Aseos SpA'",
    ),
    "checklist": (
        "Papers without which nothing is paid.",
        "receive (valid_until, document), approve",
        "2026-09/labour-certificate approve --by 'P. Silva' --role finance",
    ),
}


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.add_typer(relief, name="relief")
    main.add_typer(period, name="period")
    for name, (says, steps, example) in _REGISTERS.items():
        group = typer.Typer(help=says, no_args_is_help=True, rich_markup_mode=None)
        told = f"Record a step, with what it must say: {steps}. A document is a file; its digest is recorded."
        epilog = f"Example: poniente {name} record vega-poniente-2026 {example}"
        group.command("record", help=told, epilog=epilog)(_recorder(name))
        group.command("list", epilog=f"Example: poniente {name} list vega-poniente-2026 --lang es")(_lister(name))
        main.add_typer(group, name=name)


@relief.command(
    "claim",
    epilog="Example: poniente relief claim vega-poniente-2026 R-17 --code strike --from 2026-09-14 "
    "--until 2026-09-16 --by 'Aseos SpA' --evidence acta.pdf --zone VP-01",
)
def claim(
    contract: Contract,
    number: Annotated[str, typer.Argument(help="Number of the claim.")],
    code: Annotated[str, typer.Option("--code", help="Code, as the terms name it.")],
    since: Annotated[str, typer.Option("--from", help="Local date or time.")],
    until: Annotated[str, typer.Option("--until", help="Local date or time, excluded.")],
    by: Annotated[str, typer.Option("--by", help="Who claims it.")],
    standard: Annotated[list[str] | None, typer.Option("--standard", help="Limits it; once for each.")] = None,
    zone: Annotated[list[str] | None, typer.Option("--zone", help="Limits it; once for each.")] = None,
    subject: Annotated[list[str] | None, typer.Option("--subject", help="Limits it; once for each.")] = None,
    evidence: Annotated[list[Path] | None, typer.Option("--evidence", help="Document; its digest is kept.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="In the words of who claims it.")] = "",
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record a claim of relief: what happened, where, from when until when, and the documents it rests on."""
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.cli.output import file_digest
    from app.cli.procedure import instant_us
    from app.jobs.reliefs import record
    from rules.process.reliefs import Claim
    from storage.registers import Request

    digests = tuple(file_digest(path) for path in evidence or [])
    scope = (tuple(standard or ()), tuple(zone or ()), tuple(subject or ()))
    with open_database(database, "relief claim") as connection:
        since_us, until_us, at_us = (instant_us(connection, contract, text) for text in (since, until, at))
        said = Claim(number, code, since_us, until_us, at_us, by, *scope, digests, reason)
        typed = {"id": number, "code": code, "from": since, "until": until, "by": by, "at": at, "reason": reason}
        request = Request(request_key, {**typed, "scope": [list(one) for one in scope], "evidence": list(digests)})
        record(connection, contract, said, request, datetime.now(UTC))
    note(f"relief {number} is claimed; nothing changes until it is decided")


@relief.command(
    "decide",
    epilog="Example: poniente relief decide vega-poniente-2026 R-17 --grant --number DA-40 --signer 'A. Vera' "
    "--role mayor --document decreto-40.pdf --reason 'the market was closed' --at 2026-10-02",
)
def relief_decide(
    contract: Contract,
    claim_number: Annotated[str, typer.Argument(help="Number of the claim.")],
    is_granted: Annotated[bool, typer.Option("--grant/--refuse", help="What is decided.")],
    number: Number,
    signer: Signer,
    role: Role,
    document: Document,
    reason: Reason,
    at: At = "",
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Record the decision on a claim of relief."""
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.cli.output import file_digest
    from app.cli.procedure import instant_us
    from app.jobs.contracts import load_stored, newest_day
    from app.jobs.reliefs import record
    from rules.process.reliefs import Ruling
    from storage.registers import Request

    sha256 = file_digest(document)
    with open_database(database, "relief decide") as connection:
        at_us = instant_us(connection, contract, at)
        zone = load_stored(connection, contract, newest_day(connection, contract)).terms.zone
        day = zone.local(at_us).date().isoformat()
        said = Ruling(claim_number, is_granted, at_us, signer, role, number, day, sha256, reason)
        typed = {"id": claim_number, "granted": is_granted, "number": number, "by": signer, "role": role}
        request = Request(request_key, {**typed, "document": sha256, "reason": reason, "at": at})
        record(connection, contract, said, request, datetime.now(UTC))
    note(f"relief {claim_number} is {'granted' if is_granted else 'refused'}")


@relief.command("list", epilog="Example: poniente relief list vega-poniente-2026 --format csv")
def relief_list(
    contract: Contract,
    database: Database = None,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Show claims of relief and what was decided on them."""
    from app.cli import procedure, show
    from app.cli.options import open_database
    from app.jobs.contracts import load_stored, newest_day
    from app.jobs.reliefs import asked

    with open_database(database, "relief list") as connection:
        found = asked(connection, contract)
        zone = load_stored(connection, contract, newest_day(connection, contract)).terms.zone
    procedure.claims(found, zone, form, show.language(language))


Month = Annotated[str, typer.Argument(help="For example 2026-09.")]


@period.command(
    "close", epilog="Example: poniente period close vega-poniente-2026 2026-09 --signer 'P. Rojas' --role secretary"
)
def period_close(
    contract: Contract, month: Month, signer: Signer, role: Role, request_key: Key = "", database: Database = None
) -> None:
    """Close a month: its statement looks at nothing that comes in later. Two who close at once close it once."""
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.jobs.periods import close
    from rules.process.registers import Taken
    from storage.instants import microseconds
    from storage.registers import Request

    _check_month(month)
    now = datetime.now(UTC)
    with open_database(database, "period close") as connection:
        said = Taken(month, "close", microseconds(now), signer, role)
        request = Request(request_key, {"step": "close", "month": month, "by": signer, "role": role})
        through, is_new = close(connection, contract, said, request, now)
    note(f"{month} {'is closed' if is_new else 'was closed already'}: it knows of all up to number {through}")


@period.command(
    "reopen",
    epilog="Example: poniente period reopen vega-poniente-2026 2026-09 --signer 'P. Rojas' --role secretary "
    "--reason 'the gateway of VP-03 came back'",
)
def period_reopen(
    contract: Contract,
    month: Month,
    signer: Signer,
    role: Role,
    reason: Reason,
    request_key: Key = "",
    database: Database = None,
) -> None:
    """Open a closed month again, with a reason; not one whose statement is issued."""
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.jobs.periods import reopen
    from rules.process.registers import Taken
    from storage.instants import microseconds
    from storage.registers import Request

    _check_month(month)
    now = datetime.now(UTC)
    with open_database(database, "period reopen") as connection:
        said = Taken(month, "reopen", microseconds(now), signer, role, {"reason": reason})
        request = Request(request_key, {"step": "reopen", "month": month, "by": signer, "reason": reason})
        reopen(connection, contract, said, request, now)
    note(f"{month} is open again")


def _recorder(register_name: str) -> Callable[..., None]:
    """Make the command that records a step of a register."""

    def record(
        contract: Contract,
        subject: Annotated[str, typer.Argument(help="Its number; a paper of the checklist is month/paper.")],
        step: Annotated[str, typer.Argument(help="One of the steps above.")],
        by: Annotated[str, typer.Option("--by", help="Who took the step.")],
        role: Annotated[str, typer.Option("--role", help="Office of the city, where it is the city's step.")] = "",
        said: Annotated[list[str] | None, typer.Option("--set", help="key=value; once for each.")] = None,
        document: Annotated[Path | None, typer.Option("--document", help="The document of the step.")] = None,
        at: At = "",
        request_key: Key = "",
        database: Database = None,
    ) -> None:
        from datetime import UTC, datetime

        from app.cli.options import open_database
        from app.cli.output import file_digest
        from app.cli.procedure import instant_us
        from app.jobs.registers import take
        from rules.process.registers import Taken
        from storage.registers import Request

        says = dict(_pair(one) for one in said or [])
        if document is not None:
            says["document"] = file_digest(document)
        typed = {"register": register_name, "subject": subject, "step": step, "by": by, "role": role, "says": says}
        with open_database(database, f"{register_name} record") as connection:
            at_us = instant_us(connection, contract, at)
            taken = Taken(subject, step, at_us, by, role, says)
            request = Request(request_key, {**typed, "at": at})
            take(connection, (contract, register_name), taken, request, datetime.now(UTC))
        note(f"{register_name} {subject}: {step} recorded")

    return record


def _lister(register_name: str) -> Callable[..., None]:
    """Make the command that lists a register."""

    def show(
        contract: Contract,
        month: Annotated[
            str, typer.Option("--month", help="Checklist: status 1 while a paper of it is missing.")
        ] = "",
        at: At = "",
        database: Database = None,
        form: FormatOption = Format.TABLE,
        language: LanguageOption = None,
    ) -> None:
        """Show where each subject of the register stands, with its time limits in local time."""
        from app.cli import procedure
        from app.cli import show as shown
        from app.cli.options import open_database
        from app.jobs.contracts import load_stored, newest_day
        from app.jobs.registers import entries, missing
        from storage.instants import instant

        if month:
            _check_month(month)
        with open_database(database, f"{register_name} list") as connection:
            now = instant(procedure.instant_us(connection, contract, at))
            found = entries(connection, contract, register_name, now)
            lacking = missing(connection, contract, month, now) if month else []
            terms = load_stored(connection, contract, newest_day(connection, contract)).terms
        procedure.entries(found, terms, form, shown.language(language))
        if lacking:
            note(f"not approved for {month}: {', '.join(lacking)}; nothing of it is paid before they are")
            raise typer.Exit(1)

    return show


def _pair(said: str) -> tuple[str, str]:
    from app.errors import UsageError

    key, equals, value = said.partition("=")
    if not (key and equals):
        raise UsageError(f"--set {said!r} is not key=value")
    return key, value


def _check_month(month: str) -> None:
    from app.cli.payment import check_month

    check_month(month)
