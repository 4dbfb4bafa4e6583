"""Bundles of real months: what verifies, what is refused, and what is named of a forgery by somebody with a key."""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.bundle import casefile, keys, layout, manifest
from app.bundle.manifest import Bundle
from app.bundle.recomputing import read_cited, read_held
from app.bundle.report import Check, Code, Difference, Report, Result
from app.bundle.verifying import verify
from rules.payments.money import read, written
from rules.records import canonical
from tests.app.bundles import (
    CONTRACT,
    FINE,
    KEY,
    OCTOBER,
    SEPTEMBER,
    Issued,
    act_row,
    chain_again,
    forged,
    ledger_of,
    rewrite,
    rewrite_rows,
    salt_of,
    state_again,
)

EDITS = 5_000
PUBLIC = keys.public_of(KEY)
FILL = layout.readings_file("fill_level")
SEPTEMBER_CSV, OCTOBER_CSV = layout.determinations_file(SEPTEMBER), layout.determinations_file(OCTOBER)
ALL_CHECKS = [*Check]

Files = dict[str, bytes]
Change = Callable[[Files], None]


def results(report: Report) -> dict[Check, Result]:
    return {one.check: one.result for one in report.checks}


@pytest.mark.parametrize("month", [SEPTEMBER, OCTOBER])
def test_bundle_holds_when_nothing_was_changed(two_months: Issued, month: str) -> None:
    report = verify(two_months.bundles[month].packed(), PUBLIC)

    assert dict.fromkeys(ALL_CHECKS, Result.HOLDS) == results(report)
    assert report.holds
    assert {"valid"} == {one.state for one in report.files}


def test_bundle_tells_a_whole_story_when_it_restates(two_months: Issued) -> None:
    """What the other tests forge must be there: a fine made firm by an act, a month restated, readings of both."""
    body = json.loads(two_months.bundles[OCTOBER].files[layout.STATEMENT])

    assert [FINE] == [line["id"] for line in body["blocks"]["B"]["lines"]]
    assert [SEPTEMBER] == list(body["restates"])
    assert "restatement" in {line["kind"] for line in body["blocks"]["C"]["lines"]}
    assert {"assessment", "act", "statement"} == {kind for kind, _ in ledger_of(two_months.bundles[OCTOBER].files)}


def test_bundle_holds_what_a_fine_was_judged_by_when_its_month_is_judged_again(two_months: Issued) -> None:
    files = two_months.bundles[OCTOBER].files
    line = json.loads(files[layout.STATEMENT])["blocks"]["B"]["lines"][0]
    (cited,) = read_cited(files)

    assert [cited.id] == line["determinations"]
    assert cited.id not in {one.id for one in read_held(files, SEPTEMBER)}
    assert layout.CITED not in two_months.bundles[SEPTEMBER].files
    page = casefile.write(two_months.bundles[OCTOBER], FINE, "es")
    assert cited.id in page
    assert "2026-09-14 10:00:00" in page


def test_bundle_is_the_same_when_made_after_more_came_in(two_months: Issued) -> None:
    """Only what was known at the issue goes in, whatever was decided, loaded and issued since."""
    assert two_months.early.packed() == two_months.bundles[SEPTEMBER].packed()


def test_salts_are_other_ones_when_made_again(two_months: Issued) -> None:
    one, other = (manifest.build((CONTRACT, OCTOBER), two_months.bundles[OCTOBER].files, KEY) for _ in range(2))

    assert not set(one.salts.values()) & set(other.salts.values())
    assert len(one.files) == len(set(one.salts.values()))


def test_bundle_holds_when_checked_by_a_stranger(two_months: Issued) -> None:
    """What docs/formats.md says suffices: a zip, SHA-256, Ed25519."""
    with zipfile.ZipFile(io.BytesIO(two_months.bundles[OCTOBER].packed())) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    listed, salts = json.loads(files["manifest.json"]), json.loads(files["salts.json"])
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(listed["public_key"]))
    public.verify(files["manifest.sig"], files["manifest.json"])

    for one in listed["files"]:
        content = files.pop(one["name"])
        assert one["sha256"] == hashlib.sha256(bytes.fromhex(salts[one["name"]]) + content).hexdigest()
        assert one["size"] == len(content)
    assert {"manifest.json", "manifest.sig", "salts.json"} == files.keys()


def test_bundle_is_refused_when_any_byte_is_another(two_months: Issued) -> None:
    """Five thousand edits of a byte, and the first and last hundred: none comes as far as the recomputation."""
    whole = two_months.bundles[OCTOBER].packed()
    draw = random.Random(20_260_901)  # noqa: S311  # the same edits each time
    places = [*range(100), *range(len(whole) - 100, len(whole))]
    places += [draw.randrange(len(whole)) for _ in range(EDITS)]
    for place in places:
        edited = bytearray(whole)
        edited[place] ^= draw.randrange(1, 256)
        report = verify(bytes(edited))
        assert not report.holds, place
        assert Check.LEDGER not in results(report), place


def test_bundle_is_refused_when_longer_or_shorter(two_months: Issued) -> None:
    whole = two_months.bundles[SEPTEMBER].packed()
    for raw in (whole + b"\0", b"\0" + whole, whole[:-1], whole + whole, b""):
        assert not verify(raw).holds


def _fill(files: Files, *, is_digested: bool) -> None:
    """Let the container be nearly empty in the middle of its fullest day."""
    frame = pl.read_parquet(io.BytesIO(files[FILL]))
    is_changed = pl.col("fill_ppm") == 970_000
    frame = frame.with_columns(
        fill_ppm=pl.when(is_changed).then(100_000).otherwise(pl.col("fill_ppm")).cast(pl.Int32)
    )
    if is_digested:
        kind_digest = hashlib.blake2b(
            (2).to_bytes(8, "little") + (100_000).to_bytes(4, "little") + b"\0", digest_size=16
        )
        said = [
            kind_digest.digest() if fill == 100_000 else digest
            for fill, digest in zip(frame["fill_ppm"], frame["digest"], strict=True)
        ]
        frame = frame.with_columns(digest=pl.Series(said, dtype=pl.Binary))
    files[FILL] = _parquet(frame)


def _parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _reading(files: Files) -> None:
    _fill(files, is_digested=False)


def _reading_with_its_digest(files: Files) -> None:
    _fill(files, is_digested=True)


def _reading_dropped(files: Files) -> None:
    frame = pl.read_parquet(io.BytesIO(files[FILL]))
    files[FILL] = _parquet(frame.filter(pl.col("fill_ppm") != 970_000))


def _readings_left_out(files: Files) -> None:
    del files[FILL]


def _verdict(files: Files) -> None:
    def acquit(rows: list[dict[str, str]]) -> None:
        for row in rows:
            row["verdict"] = "met" if row["verdict"] == "not_met" else row["verdict"]

    rewrite_rows(files, SEPTEMBER_CSV, acquit)


def _determination_dropped(files: Files) -> None:
    def drop(rows: list[dict[str, str]]) -> None:
        del rows[7]

    rewrite_rows(files, OCTOBER_CSV, drop)


def _determination_doubled(files: Files) -> None:
    def double(rows: list[dict[str, str]]) -> None:
        place = next(place for place, row in enumerate(rows) if row["verdict"] == "not_met")
        rows.insert(place, rows[place])

    rewrite_rows(files, SEPTEMBER_CSV, double)


def _cited_left_out(files: Files) -> None:
    del files[layout.CITED]


def _cited_too_many(files: Files) -> None:
    files[layout.CITED] = files[SEPTEMBER_CSV]


def _column_added(files: Files) -> None:
    head, *rows = files[OCTOBER_CSV].splitlines()
    files[OCTOBER_CSV] = b"\n".join([head + b",note", *(row + b",seen" for row in rows), b""])


def _lower(body: dict[str, Any]) -> None:
    for line in body["blocks"]["B"]["lines"]:
        line["amount"] = written(read(line["amount"]) / 2)


def _amount(files: Files) -> None:
    rewrite(files, layout.STATEMENT, _lower)


def _amount_with_its_ledger(files: Files) -> None:
    _amount(files)
    state_again(files)


def _closing_with_its_ledger(files: Files) -> None:
    rewrite(files, layout.CLOSING, lambda closing: closing.update(carry_over="1000"))
    state_again(files)


def _opening(files: Files) -> None:
    rewrite(files, layout.OPENING, lambda opening: opening.update(carry_over="1000"))


def _opening_left_out(files: Files) -> None:
    del files[layout.OPENING]


def _ledger_entry(files: Files) -> None:
    lines = files[layout.LEDGER].splitlines(keepends=True)
    files[layout.LEDGER] = b"".join(lines[:1] + lines[2:])


def _ledger_tail(files: Files) -> None:
    files[layout.LEDGER] = b"".join(files[layout.LEDGER].splitlines(keepends=True)[:-1])


def _act_out_of_the_ledger(files: Files) -> None:
    chain_again(files, [one for one in ledger_of(files) if one[0] != "act"])


def _act_out_of_everything(files: Files) -> None:
    _act_out_of_the_ledger(files)
    rewrite(files, layout.ACTS, lambda said: said.update(acts=[]))


def _act_of_another_effect(files: Files) -> None:
    rewrite(files, layout.ACTS, lambda said: said.update(acts=[act_row(effect="annulled")]))


def _terms(files: Files) -> None:
    name = layout.terms_file(1, "contract.toml")
    assert b'"41000000"' in files[name]
    files[name] = files[name].replace(b'"41000000"', b'"42000000"')


def _register(files: Files) -> None:
    files[layout.ASSETS] = files[layout.ASSETS].replace(b"2026-08-01,", b"2026-08-01,2026-09-10", 1)


def _restatement_left_out(files: Files) -> None:
    rewrite(files, layout.STATEMENT, lambda body: body.update(restates={}))
    del files[SEPTEMBER_CSV]
    state_again(files)


def _issue_record(files: Files) -> None:
    rewrite(files, layout.ISSUE, lambda issue: issue.update(issued="2026-12-02T12:00:00+00:00"))


# By what each forgery is found, once whoever did it has done digests and signature again.
FORGERIES: dict[Change, Difference] = {
    _reading: Difference(Code.DIFFERS, FILL, key="digest"),
    _reading_with_its_digest: Difference(Code.DIFFERS, SEPTEMBER_CSV, key="verdict", said="not_met"),
    _reading_dropped: Difference(Code.DIFFERS, SEPTEMBER_CSV, key="digests.readings"),
    _readings_left_out: Difference(Code.MISSING, FILL),
    _verdict: Difference(Code.DIFFERS, SEPTEMBER_CSV, key="verdict", said="met", expected="not_met"),
    _determination_dropped: Difference(Code.ABSENT, OCTOBER_CSV),
    _determination_doubled: Difference(Code.UNREADABLE, SEPTEMBER_CSV),
    _cited_left_out: Difference(Code.ABSENT, layout.CITED),
    _cited_too_many: Difference(Code.SURPLUS, layout.CITED),
    _column_added: Difference(Code.UNREADABLE, OCTOBER_CSV),
    _amount: Difference(Code.DIFFERS, layout.STATEMENT, FINE, "amount", "-17000", "-34000"),
    _amount_with_its_ledger: Difference(Code.DIFFERS, layout.STATEMENT, FINE, "amount", "-17000", "-34000"),
    _closing_with_its_ledger: Difference(Code.DIFFERS, layout.CLOSING, key="carry_over", said="1000", expected="0"),
    _opening: Difference(Code.DIFFERS, layout.OPENING, SEPTEMBER, "closing_sha256"),
    _opening_left_out: Difference(Code.MISSING, layout.OPENING),
    _ledger_entry: Difference(Code.DIFFERS, layout.LEDGER, key="hash"),
    _ledger_tail: Difference(Code.DIFFERS, layout.LEDGER, key="entry"),
    _act_out_of_the_ledger: Difference(Code.SURPLUS, layout.ACTS, FINE),
    _act_out_of_everything: Difference(Code.SURPLUS, layout.STATEMENT, FINE),
    _act_of_another_effect: Difference(Code.DIFFERS, layout.ACTS, FINE, "effect", "annulled", "firm"),
    _terms: Difference(Code.DIFFERS, OCTOBER_CSV, key="digests.terms"),
    _register: Difference(Code.SURPLUS, SEPTEMBER_CSV),
    _restatement_left_out: Difference(Code.DIFFERS, layout.STATEMENT, "", "restates", "[]", '["2026-09"]'),
    _issue_record: Difference(Code.DIFFERS, layout.ISSUE, key="issued"),
}


def is_named(report: Report, wanted: Difference) -> bool:
    """Whether a difference is there that agrees in all that is said of the wanted one."""
    said = {key: value for key in Difference.__slots__ if (value := getattr(wanted, key))}
    return any(all(getattr(one, key) == value for key, value in said.items()) for one in report.differences)


@pytest.mark.parametrize("change", FORGERIES, ids=lambda change: change.__name__.strip("_"))
def test_forgery_is_named_when_signed_by_another_key(two_months: Issued, change: Change) -> None:
    raw = forged(two_months.bundles[OCTOBER], change).packed()
    report = verify(raw)

    assert Result.HOLDS == results(report)[Check.FILES]
    assert not report.holds
    assert is_named(report, FORGERIES[change]), report.differences
    assert Result.FAILS == results(verify(raw, PUBLIC))[Check.KEY]


@pytest.mark.parametrize("name", [layout.STATEMENT, layout.ISSUE, layout.LEDGER, layout.ACTS, OCTOBER_CSV, FILL])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"a":1.5}'], ids=repr)
def test_bundle_is_refused_when_a_file_is_none_of_its_kind(two_months: Issued, name: str, content: bytes) -> None:
    """Signed nonsense ends in a report, never in a traceback."""

    def spoil(files: Files) -> None:
        files[name] = content

    assert not verify(forged(two_months.bundles[OCTOBER], spoil).packed()).holds


def test_file_is_named_when_the_archive_holds_more_than_was_signed(two_months: Issued) -> None:
    whole = two_months.bundles[SEPTEMBER]
    more = Bundle(whole.manifest, whole.written, whole.signature, whole.salts, {**whole.files, "more.txt": b"x"})
    less = {name: content for name, content in whole.files.items() if name != FILL}
    fewer = Bundle(whole.manifest, whole.written, whole.signature, whole.salts, less)

    assert is_named(verify(more.packed()), Difference(Code.UNLISTED, "more.txt"))
    assert is_named(verify(fewer.packed()), Difference(Code.MISSING, FILL))


@pytest.mark.parametrize(
    "changed",
    [
        {"schema": "poniente.bundle/2"},
        {"contract": 5},
        {"files": {}},
        {"files": [{"name": "a"}]},
        {"files": [5]},
        {"public_key": "00"},
        {"whole_sha256": None},
        {"more": ""},
    ],
    ids=str,
)
def test_manifest_is_refused_when_none(two_months: Issued, changed: dict[str, Any]) -> None:
    whole = two_months.bundles[SEPTEMBER]
    written = canonical({**whole.manifest.content(), **changed}).encode()
    bundle = Bundle(whole.manifest, written, KEY.sign(written), whole.salts, whole.files)

    assert Result.FAILS == results(verify(bundle.packed()))[Check.SIGNATURE]


def test_signature_is_refused_when_of_another_manifest(two_months: Issued) -> None:
    whole, other = two_months.bundles[SEPTEMBER], two_months.bundles[OCTOBER]
    swapped = Bundle(whole.manifest, whole.written, other.signature, whole.salts, whole.files)

    assert Result.FAILS == results(verify(swapped.packed()))[Check.SIGNATURE]


def test_bundle_is_the_same_when_salts_are(two_months: Issued) -> None:
    one = two_months.bundles[OCTOBER]
    assert one.packed() == manifest.build((CONTRACT, OCTOBER), one.files, KEY, salt_of).packed()
