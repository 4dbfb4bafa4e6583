"""Rule packs that come with the product: by jurisdiction, out of the package's own files."""

from importlib.resources import files

from app.errors import UsageError
from rules.contract import Terms
from rules.packs.lint import lint_pack
from rules.packs.model import Pack, read_pack
from rules.records import Finding, FindingCode

_FOLDER = files("rules") / "packs"


def known_packs() -> tuple[str, ...]:
    """Name the jurisdictions that have a pack."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


def pack_of(jurisdiction: str) -> Pack:
    """Read a jurisdiction's pack.

    Parameters
    ----------
    jurisdiction : str

    Raises
    ------
    UsageError
        When there is none.
    """
    if jurisdiction not in known_packs():
        raise UsageError(f"there is no rule pack {jurisdiction!r}; known are {', '.join(known_packs())}")
    return read_pack((_FOLDER / f"{jurisdiction}.toml").read_text(encoding="utf-8"))


def pack_findings(terms: Terms) -> list[Finding]:
    """Hold terms against the pack of the jurisdiction that they name; nothing where they name none.

    Parameters
    ----------
    terms : Terms
    """
    named = terms.file.contract.jurisdiction
    if not named:
        return []
    if named not in known_packs():
        key = "contract.jurisdiction"
        return [Finding(FindingCode.UNKNOWN_REFERENCE, "contract.toml", key, named, known_packs())]
    return list(lint_pack(terms, pack_of(named)))


def is_binding(finding: Finding) -> bool:
    """Whether a finding makes `poniente check` end with status 1: what nobody confirmed is told, and no more."""
    return finding.basis is None or finding.basis.status == "confirmed"
