"""Grounds for a notice, in words: what was added up over which months, against which limit, and what bars it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from babel.lists import format_list

from app.wording.catalogue import LOCALES, Language, marked, told
from app.wording.charges import exact
from app.wording.figures import amount, month, share

_KINDS = {"warning": marked("a warning"), "termination": marked("the termination of the contract")}
_SUMS = {
    "points": marked(
        "Ground for {kind} ({trigger}, clause {clause}): points in the account {of} from {first} to {last}: {sum}; "
        "the limit is {limit}."
    ),
    "not_met": marked(
        "Ground for {kind} ({trigger}, clause {clause}): checks of {of} not met from {first} to {last}: {sum}; the "
        "limit is {limit}."
    ),
}


def notice_text(notice: Mapping[str, Any], currency: str, language: Language) -> str:
    """Say for what a month gives ground; sending a notice is an officer's act.

    Parameters
    ----------
    notice : mapping
        One of a statement's `notices`.
    currency : str
        ISO 4217.
    language : str
    """
    kind, limit = _KINDS[notice["notice"]], notice["limit"]
    values = {"kind": told(kind, language), "trigger": notice["trigger"], "clause": limit["clause"]}
    if notice["of"] == "total_cap":
        said = told(
            "Ground for {kind} ({trigger}, clause {clause}): {sum} are used up of the cap of {limit}, {share} of it "
            "or more.",
            language,
            sum=amount(notice["sum"], currency, language),
            limit=amount(limit["value"], currency, language),
            share=share(Fraction(notice["share"]), language),
            **values,
        )
    else:
        first, last = (month(one, language) for one in (notice["months"][0], notice["months"][-1]))
        values |= {"sum": exact(notice["sum"], language), "limit": exact(limit["value"], language)}
        source = _SUMS[limit["unit"]]
        said = told(source, language, of=notice["of"], first=first, last=last, **values)
    if not notice.get("barred_by"):
        return said
    reliefs = format_list(notice["barred_by"], locale=LOCALES[language])
    return f"{said} " + told("It is barred by relief {reliefs}.", language, reliefs=reliefs)
