"""What a verification found: a state for each file, a result for each check, and each difference by its place."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.bundle.manifest import Entry


class FileState(StrEnum):
    """What became of a file."""

    VALID = "valid"
    COARSENED = "coarsened"
    WITHHELD = "withheld"
    DESTROYED = "destroyed"
    BROKEN = "broken"


class Check(StrEnum):
    """What is checked, in this order."""

    ARCHIVE = "archive"
    SIGNATURE = "signature"
    KEY = "key"
    FILES = "files"
    LEDGER = "ledger"
    ISSUE = "issue"
    ACTS = "acts"
    RELIEFS = "reliefs"
    PROCESS = "process"
    OPENING = "opening"
    TERMS = "terms"
    READINGS = "readings"
    DETERMINATIONS = "determinations"
    STATEMENT = "statement"


class Result(StrEnum):
    """How a check ended; *partly* and *not done* are no failures: what is missing cannot be compared."""

    HOLDS = "holds"
    PARTLY = "partly"
    NOT_DONE = "not_done"
    FAILS = "fails"


class Code(StrEnum):
    """What can be wrong."""

    UNREADABLE = "unreadable"
    ALTERED = "altered"
    MISSING = "missing"
    UNLISTED = "unlisted"
    OTHER_KEY = "other_key"
    DIFFERS = "differs"
    ABSENT = "absent"
    SURPLUS = "surplus"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not hold.

    Parameters
    ----------
    code : Code
    file : str
    place : str
        Row, id of a determination or of a line, or number of a ledger's entry; empty for the whole file.
    key : str
        Name of the field, empty for the whole place.
    said, expected : str
        What stands there, and what follows.
    """

    code: Code
    file: str
    place: str = ""
    key: str = ""
    said: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file of the manifest, and what became of it; of a destroyed one, by which act and when."""

    entry: Entry
    state: FileState
    act: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check ended, over how many things, and what of it could not be held against anything."""

    check: Check
    result: Result
    count: int = 0
    left_out: int = 0


@dataclass(slots=True)
class Report:
    """What a verification found.

    Parameters
    ----------
    contract, period, public_key : str
        As the manifest says; empty where there is none.
    files : list of FileFound
    checks : list of Checked
    differences : list of Difference
    """

    contract: str = ""
    period: str = ""
    public_key: str = ""
    files: list[FileFound] = field(default_factory=list[FileFound])
    checks: list[Checked] = field(default_factory=list[Checked])
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def holds(self) -> bool:
        """Whether all that is there holds."""
        return not self.differences and all(one.result != Result.FAILS for one in self.checks)

    def add(
        self, check: Check, differences: list[Difference], count: int, left_out: int = 0, *, is_coarse: bool = False
    ) -> None:
        """Note how a check ended; of coarsened files a check holds in part."""
        result = Result.PARTLY if is_coarse else Result.HOLDS
        if differences:
            result = Result.FAILS
        elif left_out:
            result = Result.PARTLY if count else Result.NOT_DONE
        self.checks.append(Checked(check, result, count, left_out))
        self.differences += differences
