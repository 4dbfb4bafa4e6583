"""Errors of this package.

RulesError
├── TermsError      the contract folder does not load; carries the findings
├── PackError       a file of the product that is no rule pack
└── CalculationError  inputs that no statement can be made of: a missing index value, a foreign determination

A missed standard is not an error: it is a `Determination`.
"""

from rules.records import Finding


class RulesError(Exception):
    """The contract cannot be applied."""


class TermsError(RulesError):
    """The terms do not load.

    Parameters
    ----------
    findings : tuple of Finding
        All that is wrong, not only the first.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"{len(findings)} findings, the first at {findings[0].file} {findings[0].key}")
        self.findings = findings


class PackError(RulesError):
    """A rule pack cannot be read."""


class CalculationError(RulesError):
    """The inputs do not fit the terms."""
