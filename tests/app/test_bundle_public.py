"""Public bundles: no person in them, the rest verified as far as it goes; files lawfully destroyed."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from app.bundle import keys, layout
from app.bundle.certificates import Destruction, destroy
from app.bundle.columns import parquet
from app.bundle.manifest import Bundle, Kept, read, salted
from app.bundle.publishing import kept_of, publish
from app.bundle.report import Check, Code, Difference, FileState, Result
from app.bundle.verifying import verify
from app.errors import UsageError
from rules.records import canonical
from sensors.registry import kinds
from tests.app.bundles import FINE, KEY, OCTOBER, OTHER_KEY, SEPTEMBER, Issued, forged, rewrite_rows, salt_of
from tests.app.test_bundle import FILL, OCTOBER_CSV, PUBLIC, SEPTEMBER_CSV, is_named, results

INSPECTIONS = layout.readings_file("inspection")
ACT = Destruction("2027-11-02", "88/2027", "alcaldesa-01", "Ley 21.719")


@pytest.fixture(scope="module")
def public(two_months: Issued) -> Bundle:
    return publish(two_months.bundles[OCTOBER], KEY, salt_of)


def states(bundle: Bundle) -> dict[str, FileState]:
    return {one.entry.name: one.state for one in verify(bundle.packed()).files}


def test_public_bundle_verifies_when_files_are_withheld(public: Bundle) -> None:
    report = verify(public.packed(), PUBLIC)
    checks = {one.check: one for one in report.checks}

    assert report.holds
    assert FileState.WITHHELD == states(public)[INSPECTIONS]
    assert FileState.COARSENED == states(public)[OCTOBER_CSV] == states(public)[layout.INSTALLATIONS]
    assert FileState.VALID == states(public)[FILL] == states(public)[layout.STATEMENT]
    # Containers are judged again, streets' conditions are not: their readings are an inspector's.
    assert Result.PARTLY == checks[Check.DETERMINATIONS].result == checks[Check.STATEMENT].result
    assert (122, 8) == (checks[Check.DETERMINATIONS].count, checks[Check.DETERMINATIONS].left_out)


def test_public_bundle_names_nobody_when_searched(two_months: Issued, public: Bundle) -> None:
    whole, told = two_months.bundles[OCTOBER].packed(), public.packed()
    for word in (b"jefe-terreno-01", b"its-01", b"tablet-01"):
        assert word in whole
        assert word not in told
    assert INSPECTIONS not in public.files
    assert INSPECTIONS not in public.salts


def test_public_manifest_names_the_whole_files_when_held_against_them(two_months: Issued, public: Bundle) -> None:
    """Who is later given a withheld file and its salt can tell that it is the one."""
    whole = two_months.bundles[OCTOBER]
    before = {one.name: one for one in whole.manifest.files}
    for one in public.manifest.files:
        stated = one.whole_sha256 if one.kept == Kept.COARSENED else one.sha256
        salt = bytes.fromhex(whole.salts[one.name])
        assert before[one.name].sha256 == stated == salted(salt, whole.files[one.name])
    assert hashlib.sha256(whole.written).hexdigest() == public.manifest.whole_sha256


def test_digest_tells_nothing_when_the_salt_is_withheld(two_months: Issued, public: Bundle) -> None:
    """A file that could be guessed, here one without any reading, is not found by its digest."""
    (entry,) = (one for one in public.manifest.files if one.name == INSPECTIONS)
    guess = parquet(kinds()["inspection"], {})

    assert guess == two_months.bundles[OCTOBER].files[INSPECTIONS]
    assert hashlib.sha256(guess).hexdigest() != entry.sha256


def test_forged_verdict_is_named_when_public(public: Bundle) -> None:
    def acquit(rows: list[dict[str, str]]) -> None:
        for row in rows:
            row["verdict"] = "met" if row["verdict"] == "not_met" else row["verdict"]

    files = dict(public.files)
    rewrite_rows(files, SEPTEMBER_CSV, acquit)
    report = verify(_resigned(public, files).packed())

    assert is_named(report, Difference(Code.DIFFERS, SEPTEMBER_CSV, "", "verdict", "met", "not_met"))


def test_forged_amount_is_named_when_public(public: Bundle) -> None:
    files = dict(public.files)
    said: dict[str, Any] = json.loads(files[layout.STATEMENT])
    (line,) = said["blocks"]["B"]["lines"]
    line["amount"] = "-1"
    files[layout.STATEMENT] = canonical(said).encode()
    report = verify(_resigned(public, files).packed())

    assert is_named(report, Difference(Code.DIFFERS, layout.STATEMENT, FINE, "amount", "-1", "-34000"))


def _resigned(bundle: Bundle, files: dict[str, bytes]) -> Bundle:
    """Sign changed files by another key, the manifest public as before."""
    entries = tuple(
        replace(one, size=len(files[one.name]), sha256=salted(bytes.fromhex(bundle.salts[one.name]), files[one.name]))
        if one.name in files
        else one
        for one in bundle.manifest.files
    )
    manifest = replace(bundle.manifest, files=entries, public_key=keys.public_of(OTHER_KEY))
    written = canonical(manifest.content()).encode()
    return Bundle(manifest, written, OTHER_KEY.sign(written), bundle.salts, files)


def test_files_are_withheld_when_no_rule_names_them() -> None:
    assert Kept.WITHHELD == kept_of("something-new.json")
    assert {"fill_level"} == {name for name in kinds() if kept_of(layout.readings_file(name)) == Kept.WHOLE}


def test_publishing_is_refused_when_the_bundle_is_public_or_of_another(two_months: Issued, public: Bundle) -> None:
    with pytest.raises(UsageError, match="made of a whole one"):
        publish(public, KEY)
    with pytest.raises(UsageError, match="another key"):
        publish(two_months.bundles[OCTOBER], OTHER_KEY)


def test_whole_bundle_is_refused_when_it_withholds(two_months: Issued) -> None:
    """Only a public bundle leaves anything out without an act."""
    whole = two_months.bundles[OCTOBER]
    entries = tuple(replace(one, kept=Kept.WITHHELD) if one.name == FILL else one for one in whole.manifest.files)
    files = {name: content for name, content in whole.files.items() if name != FILL}
    salts = {name: salt for name, salt in whole.salts.items() if name != FILL}
    manifest = replace(whole.manifest, files=entries)
    written = canonical(manifest.content()).encode()
    report = verify(Bundle(manifest, written, KEY.sign(written), salts, files).packed())

    assert Result.FAILS == results(report)[Check.SIGNATURE]


def test_destroyed_file_is_the_third_outcome_when_certified(two_months: Issued) -> None:
    left = destroy(two_months.bundles[OCTOBER], [FILL], ACT, KEY)
    report = verify(left.packed(), PUBLIC)
    (found,) = (one for one in report.files if one.entry.name == FILL)

    assert report.holds
    assert (FileState.DESTROYED, "88/2027", "2027-11-02") == (found.state, found.act, found.date)
    assert two_months.bundles[OCTOBER].written == left.written
    assert FILL not in left.salts
    checked = results(report)
    assert (Result.NOT_DONE, Result.HOLDS) == (checked[Check.READINGS], checked[Check.STATEMENT])


def test_statement_cannot_be_recomputed_when_determinations_are_destroyed(two_months: Issued) -> None:
    report = verify(destroy(two_months.bundles[OCTOBER], [SEPTEMBER_CSV], ACT, KEY).packed())

    assert report.holds
    assert Result.NOT_DONE == results(report)[Check.STATEMENT]
    assert Result.PARTLY == results(report)[Check.DETERMINATIONS]


def test_missing_file_is_broken_when_no_certificate_holds(two_months: Issued) -> None:
    whole = two_months.bundles[OCTOBER]
    left = destroy(whole, [FILL], ACT, KEY)
    without = replace(left, certificates={})
    (name, written), (_, of_september) = (
        next(iter(destroy(two_months.bundles[month], [FILL], ACT, KEY).certificates.items()))
        for month in (OCTOBER, SEPTEMBER)
    )
    another = replace(left, certificates={name: of_september})
    said = json.loads(written)
    altered = replace(left, certificates={name: canonical({**said, "act": "99/2027"}).encode()})

    assert FileState.BROKEN == states(without)[FILL]
    assert verify(without.packed(), PUBLIC, {"beside.json": written}).holds
    assert not verify(without.packed(), PUBLIC, {"beside.json": of_september}).holds
    for bundle in (another, altered):
        report = verify(bundle.packed())
        assert is_named(report, Difference(Code.CERTIFICATE, name))
        assert is_named(report, Difference(Code.MISSING, FILL))


def test_destroyed_bundle_is_refused_when_any_byte_of_its_certificate_is_another(two_months: Issued) -> None:
    left = destroy(two_months.bundles[OCTOBER], [FILL], ACT, KEY)
    ((name, written),) = left.certificates.items()
    for place in range(len(written)):
        edited = bytearray(written)
        edited[place] ^= 1
        assert not verify(replace(left, certificates={name: bytes(edited)}).packed()).holds, place


def test_destruction_is_refused_when_without_an_act(two_months: Issued) -> None:
    whole = two_months.bundles[OCTOBER]
    with pytest.raises(UsageError, match="is no file of this bundle"):
        destroy(whole, ["readings/none.parquet"], ACT, KEY)
    with pytest.raises(UsageError, match="needs files, a date"):
        destroy(whole, [FILL], replace(ACT, act=" "), KEY)
    with pytest.raises(UsageError, match="signed by another key"):
        destroy(whole, [FILL], ACT, OTHER_KEY)


def test_second_destruction_stands_beside_the_first_when_made(two_months: Issued) -> None:
    once = destroy(two_months.bundles[OCTOBER], [FILL], ACT, KEY)
    twice = read(destroy(once, [layout.ASSETS], replace(ACT, act="89/2027"), KEY).packed())

    assert 2 == len(twice.certificates)
    assert {FileState.DESTROYED} == {states(twice)[name] for name in (FILL, layout.ASSETS)}
    assert verify(twice.packed()).holds


def test_forged_bundle_is_named_when_it_pretends_destruction(two_months: Issued) -> None:
    """A certificate by another key than the manifest's is none."""
    other = forged(two_months.bundles[OCTOBER], lambda _: None)
    ((name, written),) = destroy(other, [FILL], ACT, OTHER_KEY).certificates.items()
    without = destroy(two_months.bundles[OCTOBER], [FILL], ACT, KEY)

    assert not verify(replace(without, certificates={name: written}).packed()).holds
