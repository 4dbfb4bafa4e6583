"""Commands on evidence bundles: key, bundle, verify, destroy, casefile."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import Database, FormatOption, LanguageOption
from app.cli.output import Format, note

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Archive = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's file.")]
SigningKey = Annotated[
    Path | None,
    typer.Option("--key", help="File of the private key; else PONIENTE_BUNDLE_KEY.", show_default=False),
]


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.command(epilog="Example: poniente key ./keys")(key)
    main.command(
        epilog="Example: poniente bundle vega-poniente-2026 2026-09 --out bundle.zip --key keys/signing-key.pem"
    )(bundle)
    main.command(epilog="Example: poniente verify bundle-2026-09.zip --key public-key.pem --lang es")(verify)
    main.command(
        epilog="Example: poniente destroy bundle-2026-09.zip readings/position_fix.parquet --act 88/2027 "
        "--date 2027-11-02 --signer alcaldesa --reason 'Ley 21.719' --out bundle-2026-09-a.zip"
    )(destroy)
    main.command(
        epilog="Example: poniente casefile bundle.zip 2026-09/container-full/VP-0407/2026-09-02 --out line.html"
    )(casefile)


def key(folder: Annotated[Path, typer.Argument(help="Folder for the two files.")]) -> None:
    """Make a key pair: the private key signs bundles and stays here, the public key is given to everybody."""
    from app.bundle.keys import make, read_public

    private, public = make(folder)
    note(f"{private} signs bundles; keep it to yourself. {public} is for everybody: {read_public(public)}")


def bundle(
    contract: Annotated[str, typer.Argument(help="The contract's id.")],
    month: Annotated[str, typer.Argument(help="For example 2026-09.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    key: SigningKey = None,
    public: Annotated[
        bool, typer.Option("--public", help="Leave out, or coarsen, what tells of persons (docs/verify.md).")
    ] = False,
    full: Annotated[
        Path | None,
        typer.Option("--full", help="With --public: the whole bundle to make it of.", show_default=False),
    ] = None,
    database: Database = None,
) -> None:
    """Write all that an issued statement rests on into one signed file, which poniente verify recomputes offline."""
    from app.bundle import manifest, publishing
    from app.cli.payment import check_month
    from app.errors import UsageError

    check_month(month)
    if full is not None and not public:
        raise UsageError("--full is the bundle that a public one is made of; add --public")
    signing = _signing_key(key)
    if full is None:
        made = manifest.build((contract, month), _files(contract, month, database), signing)
        if public:
            note(
                "the whole bundle is not kept: to tie the withheld files to it, write it first and give it as --full"
            )
    else:
        made = manifest.read(_read(full))
        if (made.manifest.contract, made.manifest.period) != (contract, month):
            raise UsageError(f"{full} is of {made.manifest.contract} {made.manifest.period}")
    if public:
        made = publishing.publish(made, signing)
    _write(out, made.packed())
    note(
        f"{out} holds {len(made.files)} files, signed by {made.manifest.public_key}; "
        f"check it: poniente verify {out} --key public-key.pem"
    )


def _files(contract: str, month: str, database: str | None) -> dict[str, bytes]:
    from app.cli.options import open_database
    from app.jobs import bundling

    with open_database(database, "bundle") as connection:
        return bundling.files(connection, contract, month)


def verify(
    archive: Archive,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Public key of who must have signed, as PEM.", show_default=False),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(
            "--certificates", help="Folder of certificates of destruction beside the bundle.", show_default=False
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
    language: LanguageOption = None,
) -> None:
    """Check a bundle offline and compute its statement again; exit 0 only where all that is there holds."""
    from app.bundle.keys import read_public
    from app.bundle.report import Check
    from app.bundle.verifying import verify as run
    from app.cli import show, verdicts

    expected = read_public(key) if key else ""
    beside = {path.name: _read(path) for path in sorted(certificates.glob("*.json"))} if certificates else {}
    report = run(_read(archive), expected, beside)
    verdicts.report(report, form, show.language(language))
    if not key and report.public_key:
        note(f"signed by {report.public_key}; with --key it is checked whose that is")
    if not report.holds:
        if len(report.checks) < len(Check) - (not key):
            note("nothing else was checked: it would rest on what does not hold")
        raise typer.Exit(1)


def destroy(
    archive: Archive,
    files: Annotated[list[str], typer.Argument(help="Files of the bundle to leave out.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; the bundle itself is left as it is.")],
    act: Annotated[str, typer.Option("--act", help="Number of the act that orders it.")],
    date: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the destruction.")],
    signer: Annotated[str, typer.Option("--signer", help="Who signed the act.")],
    reason: Annotated[str, typer.Option("--reason", help="Its ground in law.")],
    key: SigningKey = None,
) -> None:
    """Leave files out of a bundle and put a signed certificate in their place: lawfully destroyed, not broken."""
    from app.bundle import manifest
    from app.bundle.certificates import Destruction
    from app.bundle.certificates import destroy as run

    said = Destruction(date.date().isoformat(), act, signer, reason)
    left = run(manifest.read(_read(archive)), files, said, _signing_key(key))
    _write(out, left.packed())
    note(f"{out} holds {len(left.files)} files and the certificate; destroy {archive} and its copies")


def casefile(
    archive: Archive,
    line: Annotated[str, typer.Argument(help="Id of a line of the bundle's statement.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    language: LanguageOption = None,
) -> None:
    """Write the papers of one line as a page to print: sentence, clause, steps, acts, procedure, readings."""
    from app.bundle import manifest
    from app.bundle.casefile import write
    from app.cli import show
    from app.export.files import write_text

    write_text(out, write(manifest.read(_read(archive)), line, show.language(language)))
    note(f"{out} holds the papers of {line}; print it from a browser")


def _signing_key(path: Path | None) -> "Ed25519PrivateKey":
    from app.bundle.keys import read_private
    from app.errors import UsageError
    from app.settings import Settings

    known = path or Settings().bundle_key
    if not known:
        raise UsageError("no key to sign with: give --key, or PONIENTE_BUNDLE_KEY; poniente key DIR makes one")
    return read_private(Path(known))


def _read(path: Path) -> bytes:
    from app.errors import UsageError

    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _write(path: Path, content: bytes) -> None:
    from app.errors import UsageError

    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from error
