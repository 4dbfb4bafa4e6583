"""Bundles by the commands alone, the words of a report, and the papers of a line."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

from app import text
from app.bundle import keys, layout, manifest
from app.bundle.casefile import write
from app.bundle.certificates import Destruction, destroy
from app.bundle.report import Check, Code, FileState, Result
from app.errors import RefusedError
from app.text import Language
from app.wording import bundles as words
from rules.process.records import Record, RecordKind
from rules.records import canonical
from tests.app.bundles import CONTRACT, FINE, KEY, OCTOBER, SEPTEMBER, SIGNER, Issued, forged, rewrite

_LANGUAGES: tuple[Language, ...] = get_args(Language)
# Elements that HTML never closes.
_VOID = {"meta"}


class Desk:
    """A folder, a database, the command line."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PONIENTE_DATABASE": dsn, "PONIENTE_LANGUAGE": "en"}

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.folder,
            timeout=100,
        )
        assert status == done.returncode, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + (done.stderr if status else "")


@pytest.fixture
def desk(tmp_path: Path, two_months: Issued) -> Desk:
    return Desk(tmp_path, two_months.dsn)


def test_bundle_goes_from_the_office_to_everybody_when_by_commands(desk: Desk) -> None:
    """Key, bundle, verify, public bundle, destruction: the contractor needs no database."""
    assert "no key to sign with" in desk.run("bundle", CONTRACT, OCTOBER, "--out", "b.zip", status=2)
    desk.run("key", "keys")
    desk.environment["PONIENTE_BUNDLE_KEY"] = str(desk.folder / "keys" / keys.PRIVATE)
    assert "is not issued" in desk.run("bundle", CONTRACT, "2026-11", "--out", "b.zip", status=1)
    desk.run("bundle", CONTRACT, OCTOBER, "--out", "b.zip")
    desk.run("bundle", CONTRACT, OCTOBER, "--public", "--full", "b.zip", "--out", "p.zip")
    act = ("--act", "88/2027", "--date", "2027-11-02", "--signer", "alcaldesa", "--reason", "Ley 21.719")
    desk.run("destroy", "b.zip", "readings/fill_level.parquet", *act, "--out", "d.zip")

    desk.environment["PONIENTE_DATABASE"] = "host=127.0.0.1 port=1 dbname=none"
    public = ("--key", f"keys/{keys.PUBLIC}")
    assert "Todo lo que está se cumple." in desk.run("verify", "b.zip", *public, "--lang", "es")
    assert "withheld" in desk.run("verify", "p.zip", *public)
    assert "lawfully destroyed on 2 Nov 2027 by act 88/2027" in desk.run("verify", "d.zip", *public)


def test_verify_says_what_differs_when_forged(desk: Desk, two_months: Issued) -> None:
    def raise_(files: dict[str, bytes]) -> None:
        rewrite(files, layout.CLOSING, lambda closing: closing.update(carry_over="1000"))

    (desk.folder / "f.zip").write_bytes(forged(two_months.bundles[OCTOBER], raise_).packed())
    rows: list[dict[str, Any]] = json.loads(
        desk.run("verify", "f.zip", "--format", "json", status=1).partition("\n]")[0] + "]"
    )
    found = [row for row in rows if row["what"] == "difference" and row["key"] == "carry_over"]

    assert [("closing.json", "1000", "0")] == [(row["name"], row["said"], row["expected"]) for row in found]
    told = desk.run("verify", "f.zip", status=1)
    assert "closing.json: carry_over says 1000; 0 follows." in told
    assert re.search(r"\d things do not hold\.", told)
    table = csv.DictReader(io.StringIO(desk.run("verify", "f.zip", "--format", "csv", status=1)))
    assert {"check", "file", "difference"} <= {row["what"] for row in table}


def test_verify_is_refused_when_there_is_no_bundle(desk: Desk) -> None:
    assert "cannot be read" in desk.run("verify", "none.zip", status=2)
    (desk.folder / "x.zip").write_bytes(b"PK")
    assert "1 thing does not hold." in desk.run("verify", "x.zip", status=1)


def test_words_are_there_when_any_outcome_is_told() -> None:
    for known, spoken in (
        (Check, words.CHECKS),
        (Result, words.RESULTS),
        (FileState, words.FILE_STATES),
        (Code, words.DIFFERENCES),
    ):
        assert {one.value for one in known} == set(spoken)
    for language in _LANGUAGES:
        for code in Code:
            said = text.difference_text(code, "a.json", ("line", "amount"), ("1", "2"), language)
            assert "a.json" in said
            assert "{" not in said
        assert all(text.bundle_word(key, language) for key in words.BUNDLE_WORDS)
        assert "{" not in text.file_state(FileState.DESTROYED, language, act="88", day="x")


class _Page(HTMLParser):
    """A page's text, and whether each element was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if key in {"href", "src"} and value]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_papers_of_a_line_are_whole_when_written(two_months: Issued, language: Language) -> None:
    page = _Page(write(two_months.bundles[OCTOBER], FINE, language))
    said = "\n".join(page.said)
    body = json.loads(two_months.bundles[OCTOBER].files[layout.STATEMENT])
    (line,) = body["blocks"]["B"]["lines"]

    assert text.sentence(line, "CLP", language) in said
    for part in (*line["determinations"], "14.2", SIGNER, "sim/24e124713b000401", "2026-09-14 12:00:00", "0.97"):
        assert part in said
    # It needs nothing beside it: links lead within the page.
    assert page.links
    assert all(link.startswith("#") for link in page.links)


def test_papers_hold_the_procedure_when_the_bundle_does(two_months: Issued) -> None:
    about: dict[str, Any] = {"at_us": 1_791_212_400_000_000, "role": "inspector", "document_sha256": "cd" * 32}
    notice = Record(RecordKind.NOTICE, FINE, person="M. Soto", number="OF-1", **about)
    sent = Record(RecordKind.NOTIFICATION, FINE, person="M. Soto", channel="<platform>", of="notice", **about)
    sent = replace(sent, proof_sha256="ab" * 32)
    decision = Record(RecordKind.DECISION, FINE, person="A. Vera", outcome="reduced", amount="20000", **about)
    other = replace(sent, line="another", channel="post")
    records = [
        {"seq": seq, "subject": one.line, "place": seq, "body": one.content()}
        for seq, one in enumerate((notice, sent, decision, other), 1)
    ]
    process = canonical({"records": records}).encode()
    files = {**two_months.bundles[OCTOBER].files, layout.PROCESS: process}
    page = write(manifest.build((CONTRACT, OCTOBER), files, KEY), FINE, "es")
    said = "".join(_Page(page).said)

    assert "<platform>" in said
    assert "<platform>" not in page
    for part in ("ab" * 32, "acto que propone la línea", "05-10-2026 12:00", "OF-1", "queda en $20.000"):
        assert part in said
    assert "post" not in said.split()
    # Steps are said in words too.
    assert "notification" not in said
    assert "tariff" not in said


def test_papers_are_written_when_readings_were_destroyed(two_months: Issued) -> None:
    act = Destruction("2027-11-02", "88/2027", "alcaldesa", "Ley 21.719")
    left = destroy(two_months.bundles[OCTOBER], [layout.readings_file("fill_level")], act, KEY)

    assert "None in this bundle." in "".join(_Page(write(left, FINE, "en")).said)


def test_papers_are_refused_when_there_is_no_such_line(two_months: Issued) -> None:
    with pytest.raises(RefusedError, match="has no line 'x'"):
        write(two_months.bundles[SEPTEMBER], "x", "en")
