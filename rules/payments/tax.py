"""What follows from the natures of a statement's lines, by the city's table: accounts to book to, and VAT."""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from rules.calendar import month_days
from rules.consequences import Nature
from rules.contract import Terms
from rules.numbers import rounded, value_on
from rules.payments.lines import Block, Line
from rules.payments.money import read, written


def booked(terms: Terms, lines: Iterable[Line], period: str) -> dict[str, Any]:
    """Sums by nature with their accounts, and totals with and without VAT; nothing where the terms say neither.

    Parameters
    ----------
    terms : Terms
    lines : iterable of Line
        Of the statement; what is in procedure is booked nowhere.
    period : str
    """
    charged = [line for line in lines if line.block != Block.IN_PROCEDURE]
    said: dict[str, Any] = {}
    if terms.file.money.natures:
        sums: defaultdict[Nature, Fraction] = defaultdict(Fraction)
        for line in charged:
            sums[Nature(line.nature)] += read(line.amount)
        accounts = {nature: _account(terms, nature) for nature in sums}
        said["booked"] = {one.value: {"amount": written(sums[one]), **accounts[one]} for one in sorted(sums)}
    if terms.file.money.vat:
        said["tax"] = _tax(terms, charged, period)
    return said


def _account(terms: Terms, nature: Nature) -> dict[str, Any]:
    found = terms.nature(nature)
    return {"budget": found.budget, "taxed": found.taxed} if found else {"budget": "", "taxed": True}


def _tax(terms: Terms, lines: Iterable[Line], period: str) -> dict[str, str]:
    """VAT on what is taxed: added where amounts are net, contained where they are gross."""
    first, money = month_days(period)[0], terms.file.money
    rate = value_on(money.vat or (), first)
    every = [(read(line.amount), _account(terms, Nature(line.nature))["taxed"]) for line in lines]
    whole = sum((amount for amount, _ in every), Fraction(0))
    taxed = sum((amount for amount, is_taxed in every if is_taxed), Fraction(0))
    exact = taxed * rate if money.amounts == "net" else taxed * rate / (1 + rate)
    tax = rounded(exact, value_on(money.rounding.step, first), money.rounding.mode)
    gross = whole + tax if money.amounts == "net" else whole
    sums = {"rate": rate, "taxed": taxed, "tax": tax, "gross": gross, "net": gross - tax}
    return {name: written(amount) for name, amount in sums.items()}
