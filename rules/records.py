"""Records that storage may know: determinations, findings, lines, acts; standard library only.

A determination judges one opportunity and holds no money, no delivery counts and no wall-clock time. Its id ends in
a digest of its inputs, so that the same inputs give the same id on every machine and in any order of events.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self, cast

# Raised whenever the same readings and terms could give other results; part of every determination's inputs.
ENGINE = "1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Made once: making one takes as long as writing a small content. The look for floats finds what turns in a circle.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)


class Verdict(StrEnum):
    """Result of holding both bounds against the target."""

    MET = "met"
    NOT_MET = "not_met"
    INCONCLUSIVE = "inconclusive"


class Unit(StrEnum):
    """What a measure counts in."""

    MICROSECONDS = "us"
    PPM = "ppm"
    COUNT = "count"


class Op(StrEnum):
    """Which way a target points."""

    AT_MOST = "<="
    AT_LEAST = ">="


class GapCause(StrEnum):
    """Why nothing is known of a span."""

    DEVICE = "device"
    GATEWAY = "gateway"
    NETWORK = "network"
    OPERATOR_OFF = "operator_off"
    CITY = "city"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


class FindingCode(StrEnum):
    """What the linter can find; codes are stable."""

    FILE_MISSING = "file_missing"
    FILE_MALFORMED = "file_malformed"
    UNDECLARED = "undeclared"
    UNKNOWN_KEY = "unknown_key"
    NOT_A_CHOICE = "not_a_choice"
    MALFORMED = "malformed"
    DUPLICATE_ID = "duplicate_id"
    UNKNOWN_REFERENCE = "unknown_reference"
    CLAUSE_MISSING = "clause_missing"
    VALUE_DATES = "value_dates"
    PUBLISHED_LATE = "published_late"
    EFFECTIVE_INSIDE_PERIOD = "effective_inside_period"
    STEP_ORDER = "step_order"
    INDEX_UNDECLARED = "index_undeclared"
    OVERLAP_DISAGREES = "overlap_disagrees"
    SILENCE_PAYS = "silence_pays"
    GAP_COSTS_CONTRACTOR = "gap_costs_contractor"
    CHARGED_TWICE = "charged_twice"
    BANDS_OVERLAP = "bands_overlap"
    BANDS_GAP = "bands_gap"
    TARGET_IMPOSSIBLE = "target_impossible"
    TARGET_UNREACHABLE = "target_unreachable"
    INSTALLATION_OVERLAP = "installation_overlap"
    GEOMETRY_MISSING = "geometry_missing"
    UNSIGNED = "unsigned"
    CITY_SILENCE_CONDEMNS = "city_silence_condemns"
    # Of a contract that loads: its parties should be asked.
    ONLY_OUTPUTS = "only_outputs"
    NEVER_CHARGED = "never_charged"
    FINES_UNBOUNDED = "fines_unbounded"
    HOLIDAYS_MISSING = "holidays_missing"
    # Of a contract that passes a bound of its jurisdiction's rule pack.
    PACK_CAP = "pack_cap"
    PACK_DEFENCE = "pack_defence"
    PACK_DEEMED = "pack_deemed"
    PACK_VAT = "pack_vat"
    PACK_INDEX = "pack_index"
    PACK_INVOICE = "pack_invoice"
    PACK_CITY_SILENCE = "pack_city_silence"
    PACK_FORGIVING = "pack_forgiving"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a finding rests on beside the terms: an entry of a rule pack.

    Parameters
    ----------
    entry : str
        Jurisdiction and id, such as `cl/no-waiver`.
    source : str
        Where it is said.
    date : str
        Of the entry, ISO.
    reviewer : str
        Who held it against its source; empty where nobody did.
    status : str
        `confirmed` or `unconfirmed`.
    """

    entry: str
    source: str
    date: str
    reviewer: str
    status: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a contract folder.

    Parameters
    ----------
    code : FindingCode
    file : str
        Name within the folder.
    key : str
        Path of the key or place of the row.
    value : str
        What stands there, empty where nothing does.
    choices : tuple of str
        What may stand there, or the keys to choose between.
    basis : Basis or None
        The entry of a rule pack whose bound is passed.
    """

    code: FindingCode
    file: str
    key: str
    value: str = ""
    choices: tuple[str, ...] = ()
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Determination:
    """The computed result on one opportunity.

    Parameters
    ----------
    contract, standard : str
    terms_version : int
    subject, zone : str
        The asset judged, and where it stood.
    day : str
        Local date on which the window starts, ISO.
    window_start_us, window_end_us : int
        Half open. [us since 1970, UTC]
    verdict : Verdict
    proven, borne, possible : int
        The measure: at least, with every gap that the contractor bears at its worst and every other doubt to its
        benefit, at most. Proven <= borne <= possible. [unit]
    op : Op
        Whether the measure must be at most or at least the target.
    target : int
        What the measure is held against. [unit]
    unit : Unit
    received, expected : int
        Readings in the window by slot.
    digests : dict of str
        SHA-256 of `readings`, `register` (the asset's place and installations) and `terms`.
    trace : dict
        How the measure came about: codes, numbers, instants.
    engine : str
    """

    contract: str
    standard: str
    terms_version: int
    subject: str
    zone: str
    day: str
    window_start_us: int
    window_end_us: int
    verdict: Verdict
    proven: int
    borne: int
    possible: int
    target: int
    received: int
    expected: int
    digests: dict[str, str]
    trace: dict[str, Any] = field(default_factory=dict[str, Any])
    op: Op = Op.AT_MOST
    unit: Unit = Unit.MICROSECONDS
    engine: str = ENGINE

    @property
    def is_missed(self) -> bool:
        """Whether the target is missed for certain."""
        return self.proven > self.target if self.op == Op.AT_MOST else self.possible < self.target

    @property
    def is_missed_borne(self) -> bool:
        """Whether the target is missed once the contractor's own gaps count against it, and no other doubt does."""
        return self.borne > self.target if self.op == Op.AT_MOST else self.borne < self.target

    def content(self) -> dict[str, Any]:
        """All fields by name; what is stored, written and digested."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the canonical JSON of a determination's content.

        Parameters
        ----------
        text : str
            As it was written; what it holds is not checked.
        """
        said: dict[str, Any] = json.loads(text)
        said |= {"verdict": Verdict(said["verdict"]), "op": Op(said["op"]), "unit": Unit(said["unit"])}
        return cls(**said)

    @property
    def inputs_digest(self) -> str:
        """SHA-256 of what the result was computed from."""
        return digest({"digests": self.digests, "engine": self.engine})

    @property
    def opportunity(self) -> str:
        """What was judged: contract / standard @ terms version / subject / window start."""
        place = (self.contract, self.standard, self.terms_version, self.subject)
        return opportunity_name(place, self.window_start_us)

    @property
    def id(self) -> str:
        """The opportunity and the first 16 digits of the inputs' digest."""
        return f"{self.opportunity}/{self.inputs_digest[:16]}"


@dataclass(frozen=True, slots=True)
class Act:
    """An officer's act on a line in procedure.

    Parameters
    ----------
    line : str
        Id of the line.
    effect : str
        `firm`, `annulled`, or `reduced`: firm with a lower sum.
    number, date, signer : str
        Of the act; the date ISO.
    document_sha256 : str
        Digest of the signed document.
    amount : str
        What a reduced line is charged with, positive; empty on others. [currency]
    """

    line: str
    effect: str
    number: str
    date: str
    signer: str
    document_sha256: str
    amount: str = ""

    def content(self) -> dict[str, str]:
        """Fields by name, without an amount where there is none; what is stored, digested and traced."""
        said: dict[str, str] = asdict(self)
        return said if self.amount else {name: value for name, value in said.items() if name != "amount"}


@dataclass(frozen=True, slots=True)
class Relief:
    """A relief that was granted: what happened, where, from when until when, and by whose act.

    Parameters
    ----------
    id : str
        Number of the claim.
    code : str
        One of the codes that the terms know.
    since_us, until_us : int
        Half open. [us since 1970, UTC]
    number, date, signer : str
        Of the act that granted it; the date ISO.
    reason : str
        In the officer's words.
    standards, zones, subjects : tuple of str
        What it is limited to; empty means all.
    evidence : tuple of str
        SHA-256 of the documents that it rests on.
    """

    id: str
    code: str
    since_us: int
    until_us: int
    number: str
    date: str
    signer: str
    reason: str
    standards: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A sum that an officer chose within the range that the terms leave.

    Parameters
    ----------
    standard, subject, day, nature : str
        Of the check and the consequence; the day ISO.
    amount : str
        Exact. [tariff's unit]
    reason, number, date, signer : str
        Why, and by which act; the date ISO.
    """

    standard: str
    subject: str
    day: str
    nature: str
    amount: str
    reason: str
    number: str
    date: str
    signer: str


# Types that hold no float, by themselves or inside. Subclasses are looked at one by one.
_ONLY_TEXT = frozenset({str})
_PLAIN = frozenset({str, int, bool, type(None), Verdict, Unit, Op, GapCause})


def opportunity_name(place: tuple[str, str, int, str], window_start_us: int) -> str:
    """Name what is judged, whether or not it is judged already.

    Parameters
    ----------
    place : tuple
        Contract, standard, version of the terms, subject.
    window_start_us : int
        [us since 1970, UTC]
    """
    contract, standard, version, subject = place
    return f"{contract}/{standard}@{version}/{subject}/{utc(window_start_us)}"


def canonical(content: object) -> str:
    """Write canonical JSON: sorted keys, no insignificant space, UTF-8, no floats.

    Raises
    ------
    TypeError
        When the content holds a binary float or a type that JSON does not have.
    """
    _refuse_floats(content)
    return _ENCODER.encode(content)


def digest(content: object) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def utc(instant_us: int) -> str:
    """Write an instant as ISO 8601 in UTC, with as many decimals of a second as it needs."""
    written = (_EPOCH + timedelta(microseconds=instant_us)).isoformat().removesuffix("+00:00")
    return (written.rstrip("0") if "." in written else written) + "Z"


def _refuse_floats(content: object) -> None:
    if isinstance(content, dict):
        known = cast("dict[object, object]", content)
        if not _ONLY_TEXT.issuperset(map(type, known)):
            for key in known:
                if not isinstance(key, str):
                    raise TypeError(f"a key must be text, not {key!r}")  # json would write 0.1 and "0.1" alike
        parts = list(known.values())
    elif isinstance(content, list | tuple):
        parts = cast("list[object]", content)
    elif isinstance(content, float):
        raise TypeError(f"a binary float has no canonical form: {content!r}")
    else:
        return
    # Most of what is written holds plain values alone: one look at all their types is quicker than one at each.
    if not _PLAIN.issuperset(map(type, parts)):
        for part in parts:
            if type(part) not in _PLAIN:
                _refuse_floats(part)
