"""Names of what the code knows by a word: verdicts, natures, blocks, states, causes, outcomes, column headings.

A court's words are not used for a computed result, and a deduction is never named without its nature.
"""

from collections.abc import Mapping
from typing import Any

from app.wording.catalogue import Language, marked, told
from rules.consequences import Nature
from rules.contract import Level
from rules.days import MarketState
from rules.payments.charges import ChargeState
from rules.payments.lines import Block, LineKind
from rules.records import GapCause, Unit, Verdict

_VERDICTS = {
    Verdict.MET: marked("met"),
    Verdict.NOT_MET: marked("not met"),
    Verdict.INCONCLUSIVE: marked("inconclusive (insufficient data)"),
}

_NATURES = {
    Nature.PRICE: marked("service-level deduction"),
    Nature.FINE: marked("fine"),
    Nature.DAMAGES: marked("damages"),
    Nature.RETENTION: marked("retention by performance"),
    Nature.CREDIT: marked("service credit"),
}

_BLOCKS = {
    Block.SETTLEMENT: marked("A. Settlement of the month"),
    Block.FIRM: marked("B. Firm sums charged now"),
    Block.IN_PROCEDURE: marked("C. In procedure, not charged"),
}

# A line in procedure is "charged" for the calculation and yet asks for nothing, so that word is not said here.
_STATES = {
    ChargeState.CHARGED.value: marked("carries an amount"),
    ChargeState.RELIEVED.value: marked("relieved"),
    ChargeState.FREE.value: marked("within the allowance"),
    ChargeState.SHADOW.value: marked("bedding-in, not charged"),
    ChargeState.COUNTED.value: marked("counted in points"),
    ChargeState.ABSORBED.value: marked("absorbed by another fact"),
    ChargeState.CAPPED.value: marked("cap reached"),
    ChargeState.DE_MINIMIS.value: marked("too little to be charged"),
    ChargeState.HELD.value: marked("sum held"),
    "due": marked("due"),
    "firm": marked("firm"),
    "reduced": marked("firm, reduced"),
    "annulled": marked("annulled"),
    "withdrawn": marked("withdrawn"),
}

_CAUSES = {
    GapCause.DEVICE: marked("failure of the sensor"),
    GapCause.GATEWAY: marked("failure of the gateway"),
    GapCause.NETWORK: marked("failure of the network"),
    GapCause.OPERATOR_OFF: marked("switched off by the contractor"),
    GapCause.CITY: marked("attributable to the city"),
    GapCause.CONFLICT: marked("conflicting readings"),
    GapCause.UNKNOWN: marked("unknown cause"),
}

# What became of a reading, and of a message: the counts that stand beside a statement.
_OUTCOMES = {
    "accepted": marked("accepted"),
    "duplicate": marked("duplicate"),
    "conflict": marked("conflict"),
    "rejected": marked("rejected"),
    "reduced": marked("outside the area, only counted"),
    "simulated": marked("simulated"),
    "decoded": marked("decoded"),
    "late": marked("late"),
    "missing": marked("missing by the devices' count"),
    "resets": marked("counts begun anew"),
}

# Kinds of reading, as the registry names them.
_READINGS = {
    "fill_level": marked("fill level"),
    "position_fix": marked("position fix"),
    "lift": marked("lift of a container"),
    "inspection": marked("inspection"),
    "report": marked("contractor's report"),
    "case": marked("complaint or work order"),
    "weigh_ticket": marked("weigh ticket"),
    "photo": marked("photo"),
    "work_signal": marked("work signal"),
    "presence": marked("count of persons present"),
}

_LEVELS = {
    Level.INPUT: marked("input"),
    Level.OUTPUT: marked("output"),
    Level.OUTCOME: marked("outcome"),
    Level.DATA_DUTY: marked("data duty"),
}

_MARKET_STATES = {
    MarketState.LOADING: marked("loading"),
    MarketState.SELLING: marked("selling"),
    MarketState.CLOSING: marked("closing"),
    MarketState.CLOSED: marked("closed"),
}

_UNITS = {
    Unit.MICROSECONDS: marked("duration"),
    Unit.PPM: marked("share"),
    Unit.COUNT: marked("count"),
}

_KINDS = {
    LineKind.BASE: marked("contracted monthly sum"),
    LineKind.CARRY_OVER: marked("carry-over"),
    LineKind.ROUNDING: marked("rounding"),
    LineKind.RESTATEMENT: marked("restatement"),
    LineKind.RETENTION: marked("retention"),
    LineKind.RELEASE: marked("release of a retention"),
    LineKind.BONUS: marked("performance bonus"),
}

# Headings of tables and pages. The totals go by the keys of a statement's body; the list is closed.
WORDS = {
    # Compliance.
    "zone": marked("zone"),
    "standard": marked("standard"),
    "checks": marked("checks"),
    "met": marked("met"),
    "not_met": marked("not met"),
    "inconclusive": marked("inconclusive"),
    "share_met": marked("share met"),
    "completeness": marked("data completeness"),
    "result": marked("result"),
    "proven": marked("proven minimum"),
    "possible": marked("possible maximum"),
    "limit": marked("limit"),
    "received": marked("readings received"),
    "expected": marked("readings expected"),
    "gap": marked("gap in the data"),
    "gap_cause": marked("cause of the gap"),
    "evidence": marked("evidence"),
    "level": marked("level"),
    "standards": marked("standards"),
    "most": marked("most it can cost in a month"),
    "share": marked("share of the money"),
    "borne": marked("with the contractor's gaps"),
    "due_least": marked("least due"),
    "required": marked("required"),
    "unforeseen": marked("not foreseeable"),
    # What is measured.
    "asset": marked("item"),
    "container": marked("container"),
    "device": marked("device"),
    "installation": marked("installation"),
    "reading": marked("reading"),
    "fill_level": marked("fill level"),
    "emptying": marked("emptying"),
    "vehicle": marked("vehicle"),
    "segment": marked("street segment"),
    "street": marked("street"),
    "length": marked("length"),
    "passes": marked("passes"),
    "not_inspected": marked("not inspected"),
    "recorded_lifts": marked("lifts recorded"),
    "local_time": marked("local time"),
    "day": marked("day"),
    "from": marked("from"),
    "until": marked("until"),
    # Statement.
    "statement": marked("monthly statement, draft"),
    "contract": marked("contract"),
    "contractor": marked("contractor"),
    "buyer": marked("city"),
    "contract_manager": marked("contract manager"),
    "terms": marked("contract terms"),
    "clause": marked("clause"),
    "version": marked("version"),
    "period": marked("period"),
    "fact_month": marked("month of the fact"),
    "firm_month": marked("month of becoming firm"),
    "charge_month": marked("month of the charge"),
    "line": marked("line"),
    "block": marked("block"),
    "nature": marked("nature"),
    "state": marked("state"),
    "amount": marked("amount"),
    "why": marked("reason"),
    "remedy": marked("what would have avoided it"),
    "steps": marked("steps of the calculation"),
    "total": marked("total"),
    "base": marked("contracted monthly sum"),
    "adjustments": marked("adjustments"),
    "firm": marked("firm sums charged"),
    "net": marked("net to pay"),
    "in_procedure": marked("in procedure"),
    "amounts_net": marked("amounts without VAT"),
    "amounts_gross": marked("amounts with VAT"),
    "vat": marked("VAT"),
    "without_vat": marked("total without VAT"),
    "with_vat": marked("total with VAT"),
    "opening": marked("opening state"),
    "closing": marked("closing state"),
    "act": marked("act of an officer"),
    "digest": marked("digest"),
    "counts": marked("messages and readings"),
    "published": marked("messages published"),
    "messages": marked("messages"),
    "readings": marked("readings"),
    "readings_of_month": marked("readings of the month"),
    "distinct_rejections": marked("distinct rejections"),
    "finding": marked("finding"),
    "file": marked("file"),
    "key": marked("key"),
}


def verdict_name(verdict: str, language: Language) -> str:
    """Name the result of one check.

    Raises
    ------
    ValueError
        When there is no such verdict; the functions below do the same.
    """
    return told(_VERDICTS[Verdict(verdict)], language)


def nature_name(nature: str, language: Language) -> str:
    """Name what a consequence is in law; for a line, `line_name` knows that a base sum is no deduction."""
    return told(_NATURES[Nature(nature)], language)


def block_name(block: str, language: Language) -> str:
    """Name a block of the statement."""
    return told(_BLOCKS[Block(block)], language)


def line_name(line: Mapping[str, Any], language: Language) -> str:
    """Name what a statement's line is: a deduction by its nature, all else by its kind."""
    kind = LineKind(line["kind"])
    if kind == LineKind.DEDUCTION:
        return nature_name(line["nature"], language)
    if line["says"]["code"] == "cap_carry":
        return told("carried over beyond a cap", language)
    if line["says"]["code"] == "carry-over/from-before":
        return told("left over from earlier payments", language)
    return told(_KINDS[kind], language)


def state_name(state: str, language: Language) -> str:
    """Name what became of a line."""
    return told(_known(_STATES, state), language)


def cause_name(cause: str, language: Language) -> str:
    """Name why nothing is known of a span."""
    return told(_CAUSES[GapCause(cause)], language)


def outcome_name(outcome: str, language: Language) -> str:
    """Name what became of a reading or of a message."""
    return told(_known(_OUTCOMES, outcome), language)


def kind_name(kind: str, language: Language) -> str:
    """Name a kind of reading."""
    return told(_known(_READINGS, kind), language)


def level_name(level: str, language: Language) -> str:
    """Name what a standard looks at."""
    return told(_LEVELS[Level(level)], language)


def market_state_name(state: str, language: Language) -> str:
    """Name what a market is doing."""
    return told(_MARKET_STATES[MarketState(state)], language)


def unit_name(unit: str, language: Language) -> str:
    """Name what a measure counts in."""
    return told(_UNITS[Unit(unit)], language)


def word(key: str, language: Language) -> str:
    """Say one of `WORDS`, lower case as in the middle of a sentence.

    Raises
    ------
    ValueError
        When the key is none of them.
    """
    return told(_known(WORDS, key), language)


def _known(names: dict[str, str], key: str) -> str:
    if key not in names:
        raise ValueError(f"{key!r} has no name; known are {', '.join(names)}")
    return names[key]
