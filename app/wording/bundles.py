"""Words of bundles: what was checked, how it ended, what became of each file, what differs and where.

Keys are the values of the enumerations in `app.bundle.report`, which this package does not know; a test holds the two
against each other.
"""

from app.wording.catalogue import Language, counted, marked, told
from app.wording.figures import count as figure

CHECKS = {
    "archive": marked("the archive is laid out as it must be, to the last byte"),
    "signature": marked("the list of files is signed by the key that it names"),
    "key": marked("the key is the one that was asked for"),
    "files": marked("each file is the one that was signed"),
    "ledger": marked("the ledger's chain holds up to the head of the issue record"),
    "issue": marked("ledger and issue record name this statement and its closing state"),
    "acts": marked("the acts are those that the ledger holds"),
    "reliefs": marked("the reliefs are those that the ledger holds"),
    "process": marked("notices, defences and decisions are those that the ledger holds"),
    "opening": marked("the opening state is the one with which the month before was closed"),
    "terms": marked("the contract's terms load, and nothing that they ask for was left out"),
    "readings": marked("each reading says what its digest is of"),
    "determinations": marked("the results follow from the readings"),
    "statement": marked("the statement follows from the results, to the last byte"),
}

RESULTS = {
    "holds": marked("holds"),
    "partly": marked("holds as far as it is there"),
    "not_done": marked("cannot be recomputed"),
    "fails": marked("does not hold"),
}

FILE_STATES = {
    "valid": marked("valid"),
    "coarsened": marked("valid, coarsened"),
    "withheld": marked("withheld"),
    "destroyed": marked("lawfully destroyed on {day} by act {act}"),
    "broken": marked("broken"),
}

DIFFERENCES = {
    "unreadable": marked("{file}: cannot be read as what it should be: {said}"),
    "altered": marked("{file}: the content is not the one that was signed."),
    "missing": marked("{file}: missing, and no certificate says that it was destroyed."),
    "unlisted": marked("{file}: the list of files does not name it."),
    "other_key": marked("{file}: signed by key {said}, not by {expected}."),
    "differs": marked("{file}: {place} says {said}; {expected} follows."),
    "absent": marked("{file}: {place} is missing, and should be there."),
    "surplus": marked("{file}: {place} is there, and does not follow from anything."),
    "certificate": marked("{file}: the certificate of destruction does not hold: {said}"),
}

# Headings and words of the report and of the case file.
BUNDLE_WORDS = {
    "check": marked("check"),
    "file": marked("file"),
    "state": marked("state"),
    "counted": marked("items checked"),
    "left_out": marked("left out"),
    "signed_by": marked("signed by"),
    "all_holds": marked("Everything that is there holds."),
    "case_file": marked("Papers of the line"),
    "contents": marked("contents"),
    "line": marked("line"),
    "steps": marked("steps of the calculation"),
    "acts": marked("acts"),
    "procedure": marked("notice, defence and decision"),
    "results": marked("results with their bounds"),
    "readings": marked("readings"),
    "clause": marked("clause"),
    "none": marked("None in this bundle."),
    "amount": marked("amount"),
    "signer": marked("signed by"),
    "document": marked("document"),
    "date": marked("date"),
}


def bundle_word(key: str, language: Language) -> str:
    """Word of a bundle's report or a case file."""
    return told(BUNDLE_WORDS[key], language)


def check_name(check: str, language: Language) -> str:
    """What a check shows when it holds."""
    return told(CHECKS[check], language)


def result_name(result: str, language: Language) -> str:
    """How a check ended."""
    return told(RESULTS[result], language)


def file_state(state: str, language: Language, /, *, act: str = "", day: str = "") -> str:
    """What became of a file; of a destroyed one by which act, and when."""
    return told(FILE_STATES[state], language, day=day, act=act)


def difference_text(code: str, file: str, place: tuple[str, str], values: tuple[str, str], language: Language) -> str:
    """Say what differs: in which file, at which place and field, what stands there and what follows."""
    where = ", ".join(part for part in place if part) or file
    said, expected = values
    return told(DIFFERENCES[code], language, file=file or "-", place=where, said=said, expected=expected)


def differences_told(number: int, language: Language) -> str:
    """Say how many things do not hold."""
    return counted(
        "{number} thing does not hold.",
        "{number} things do not hold.",
        number,
        language,
        number=figure(number, language),
    )
