"""How a verification looks: checks, files, differences; as rows of one form for other programs."""

from typing import Any

from app import text
from app.bundle.report import Difference, Report
from app.cli.output import Format, console, print_rows
from app.text import Language

_KEYS = ("what", "name", "result", "place", "key", "said", "expected", "count", "left_out", "sentence")
# A screen's worth; the other formats have them all.
_SHOWN_MAX = 50
_EMPTY: dict[str, Any] = dict.fromkeys(_KEYS, "") | {"count": 0, "left_out": 0}


def report(found: Report, form: Format, lang: Language) -> None:
    """Show what a verification found."""
    if form == Format.TABLE:
        _tables(found, lang)
    else:
        print_rows({key: key for key in _KEYS}, rows(found, lang), form)


def rows(found: Report, lang: Language) -> list[dict[str, Any]]:
    """Make a row of each check, each file and each difference, in this order."""
    checks = [
        {
            **_EMPTY,
            "what": "check",
            "name": one.check.value,
            "result": one.result.value,
            "count": one.count,
            "left_out": one.left_out,
            "sentence": text.check_name(one.check, lang),
        }
        for one in found.checks
    ]
    files = [
        {
            **_EMPTY,
            "what": "file",
            "name": one.entry.name,
            "result": one.state.value,
            "said": one.entry.sha256,
            "count": one.entry.size,
            "sentence": text.file_state(one.state, lang, act=one.act, day=_day(one.date, lang)),
        }
        for one in found.files
    ]
    differences = [
        {
            **_EMPTY,
            "what": "difference",
            "name": one.file,
            "result": one.code.value,
            "place": one.place,
            "key": one.key,
            "said": one.said,
            "expected": one.expected,
            "sentence": _sentence(one, lang),
        }
        for one in found.differences
    ]
    return [*checks, *files, *differences]


def _tables(found: Report, lang: Language) -> None:
    out = console()
    if found.contract:
        title = f"{found.contract} · {found.period} · {text.bundle_word('signed_by', lang)} {found.public_key}"
        out.print(title, style="bold", soft_wrap=True)
    checks = [
        {
            "check": text.check_name(one.check, lang),
            "result": text.result_name(one.result, lang),
            "counted": text.count(one.count, lang),
            "left_out": text.count(one.left_out, lang) if one.left_out else "",
        }
        for one in found.checks
    ]
    heads = {"check": "check", "result": "", "counted": "counted", "left_out": "left_out"}
    headings = {key: text.bundle_word(word, lang) if word else "" for key, word in heads.items()}
    print_rows(headings, checks, Format.TABLE, right=("counted", "left_out"))
    files = [
        {
            "file": one.entry.name,
            "size": text.count(one.entry.size, lang),
            "state": text.file_state(one.state, lang, act=one.act, day=_day(one.date, lang)),
        }
        for one in found.files
    ]
    if files:
        out.print()
        headings = {"file": text.bundle_word("file", lang), "size": "B", "state": text.bundle_word("state", lang)}
        print_rows(headings, files, Format.TABLE, right=("size",))
    out.print()
    for one in found.differences[:_SHOWN_MAX]:
        out.print(_sentence(one, lang), soft_wrap=True, markup=False)
    if (more := len(found.differences) - _SHOWN_MAX) > 0:
        out.print(f"… +{text.count(more, lang)} → --format json")
    last = text.bundle_word("all_holds", lang) if found.holds else text.differences_told(len(found.differences), lang)
    out.print(last, style="bold")


def _sentence(one: Difference, lang: Language) -> str:
    return text.difference_text(one.code, one.file, (one.place, one.key), (one.said, one.expected), lang)


def _day(said: str, lang: Language) -> str:
    return text.day(said, lang) if said else ""
