"""What a contract that loads should still be asked about: money that rewards the wrong thing, clauses without effect.

A flag keeps nothing from loading: the parties may have meant it. `poniente check` says it and ends with status 1.
"""

from collections.abc import Iterator

from app.jobs.contracts import Loaded
from app.jobs.stakes import exposed
from rules.consequences import BandTariff, Nature
from rules.contract import Level
from rules.lint_windows import holidays_ended
from rules.numbers import value_on
from rules.payments.exposure import Exposure
from rules.records import Finding, FindingCode

_FILE = "contract.toml"


def flags(loaded: Loaded) -> list[Finding]:
    """Find what parties should be asked about.

    Parameters
    ----------
    loaded : Loaded

    Raises
    ------
    CalculationError
        When an index or a base sum has no value.
    """
    exposures, unforeseen = exposed(loaded)
    known = [one for one in exposures if one.standard not in unforeseen]
    return [
        *_levels(loaded, known),
        *_idle(loaded, known),
        *_met(loaded),
        *_fines(loaded),
        *holidays_ended(loaded.terms),
    ]


def _levels(loaded: Loaded, exposures: list[Exposure]) -> Iterator[Finding]:
    """Money on what is done alone, and none on what comes of it."""
    paid = {one.level for one in exposures if one.amount}
    if paid and Level.OUTCOME not in paid and len(loaded.terms.file.standard) > 1:
        told = ", ".join(sorted(level.value for level in paid))
        yield Finding(FindingCode.ONLY_OUTPUTS, _FILE, "standard.level", told, (Level.OUTCOME.value,))


def _idle(loaded: Loaded, exposures: list[Exposure]) -> Iterator[Finding]:
    """A consequence that no month can make cost anything: its allowance holds all that can happen."""
    standards = {one.id: one for one in loaded.terms.file.standard}
    for one in exposures:
        consequences = standards[one.standard].consequence
        consequence = next(each for each in consequences if each.nature == one.nature and each.on == "not_met")
        if not one.amount:
            key = f"standard[{one.standard}].consequence"
            said = consequence.tariff.kind if consequence.allowance is None else "allowance"
            yield Finding(FindingCode.NEVER_CHARGED, _FILE, key, said)


def _met(loaded: Loaded) -> Iterator[Finding]:
    """Bands that would cost something and lie where the target is reached: no check can fall into them."""
    first = loaded.terms.file.contract.effective.since
    for standard in loaded.terms.file.standard:
        for consequence in standard.consequence:
            if consequence.on == "met" or not isinstance(consequence.tariff, BandTariff):
                continue
            target = value_on(standard.target.value, first)
            if met := [str(band.since) for band in consequence.tariff.bands if band.since >= target and band.pct]:
                key = f"standard[{standard.id}].consequence.tariff.bands"
                yield Finding(FindingCode.NEVER_CHARGED, _FILE, key, ", ".join(met))


def _fines(loaded: Loaded) -> Iterator[Finding]:
    """Fines that nothing bounds: neither each standard's cap nor one on the whole."""
    file = loaded.terms.file
    if any(Nature.FINE in cap.natures for cap in file.total_cap):
        return
    for standard in file.standard:
        for consequence in standard.consequence:
            if consequence.nature == Nature.FINE and consequence.cap is None and consequence.on == "not_met":
                key = f"standard[{standard.id}].consequence.cap"
                yield Finding(FindingCode.FINES_UNBOUNDED, _FILE, key, "", ("cap", "total_cap"))
