"""Prose for people: complete in three languages, exact in its figures, in the legal words of each place."""

import re
from dataclasses import asdict
from fractions import Fraction
from importlib.resources import files
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app import text
from app.wording.catalogue import LOCALES
from rules.consequences import Nature
from rules.contract import Level
from rules.days import MarketState
from rules.payments.charges import ChargeState
from rules.payments.lines import Block, Line, LineKind
from rules.records import GapCause, Unit, Verdict
from sensors import quantities
from sensors.readings import Outcome
from sensors.registry import kinds
from tests.house.sources import ROOT

_H_US = 3_600 * 1_000_000
_MIN_US = 60 * 1_000_000
_TRANSLATED: tuple[text.Language, ...] = ("es", "pt")
_PLACEHOLDER = re.compile(r"{(\w*)}")
_NBSP = "\N{NO-BREAK SPACE}"
# The column "not" of the vocabulary: words that mean something else before a court, an office or a voter.
_FORBIDDEN: dict[text.Language, str] = {
    "es": r"veredicto|sentencia|determinaci[oó]n|resoluci[oó]n|cobertura(?! de barrido)|brecha|gap|eximente|premio"
    r"|condonaci[oó]n|franquicia|trinquete|arrastre|indexaci[oó]n|fianza|proveedor|gerente|expediente|laborable|queja|aviso"
    r"|disputa|descargo|definitiv[oa]s?|cap|activo|oportunidad|cotas|enmienda|retroprueba|tramos?(?! de calle)|rebaja"
    r"|retenci[oó]n(?! por desempeño)|elevaci[oó]n|fijaci[oó]n|bordillo|remediaci[oó]n",
    "pt": r"veredito|determinaç[aã]o|cobertura(?! de varrição)|gap|isento|ativo|zona|segmento|termos|padr[aã]o"
    r"|oportunidade|pr[eê]mio|reliquidaç[aã]o|liquidaç[aã]o|demonstrativo|aviso|disputa|apelaç[aã]o|perd[aã]o|car[eê]ncia|banda|gerente"
    r"|empreiteira|backtest|relevo|queixa|preenchimento|processo|cotas|retenç[aã]o(?! por desempenho)|elevaç[aã]o",
}
_RUN = {
    "code": "longest_run",
    "verdict": "not_met",
    "proven": 4 * _H_US + 5 * _MIN_US,
    "borne": 4 * _H_US + 5 * _MIN_US,
    "possible": 4 * _H_US + 20 * _MIN_US,
    "target": 4 * _H_US,
    "unit": "us",
    "op": "<=",
    "day": "2026-09-11",
    "proven_from": "2026-09-11T06:00:00",
    "proven_until": "2026-09-11T10:05:00",
    "clause": "14.2",
}
_DAYS = {
    **_RUN,
    "code": "longest_unemptied",
    "proven": 76 * _H_US,
    "target": 72 * _H_US,
    "proven_from": "2026-09-08T06:00:00",
    "proven_until": "2026-09-11T10:00:00",
}
_DOUBT = {**_RUN, "verdict": "inconclusive", "proven": 3 * _H_US, "borne": 4 * _H_US + 20 * _MIN_US}
_OPEN = {**_DOUBT, "borne": 3 * _H_US}
_ACT = {"step": "act", "act": {"number": "1234", "date": "2026-10-05"}}
_ALLOWANCE = {"step": "allowance", "event": 1, "parameter": {"value": "2"}}


def _line(says: dict[str, Any], **changes: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "id": "2026-09/container-full/VP-0417/2026-09-11",
        "block": Block.IN_PROCEDURE,
        "kind": LineKind.DEDUCTION,
        "nature": Nature.FINE,
        "amount": "-34000",
        "fact_month": "2026-09",
        "firm_month": "",
        "charge_month": "",
        "state": ChargeState.CHARGED,
        "subject": "VP-0417",
        "determinations": ["c/container-full@3/VP-0417/2026-09-11T09:00:00Z/0"],
        "says": says,
    }
    return asdict(Line(**{**stated, **changes}))


def _told(line: dict[str, Any]) -> dict[text.Language, str]:
    return {language: text.sentence(line, "CLP", language) for language in text.LANGUAGES}


def _key(said: Any) -> str | tuple[str, ...]:
    return said if isinstance(said, str) else tuple(said)


def _sources() -> set[str | tuple[str, ...]]:
    """Find every source string, as a translator's tools do."""
    keywords = {"marked": None, "told": None, "counted": (1, 2)}
    return {_key(found[2]) for found in extract_from_dir(ROOT / "app" / "wording", keywords=keywords)}


def _catalogue(language: text.Language) -> Catalog:
    with (files("app") / "locale" / f"{language}.po").open("rb") as source:
        return read_po(source, locale=LOCALES[language], abort_invalid=True)


def _strings(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


@pytest.mark.parametrize("language", _TRANSLATED)
def test_catalogue_when_held_against_sources(language: text.Language) -> None:
    catalogue = _catalogue(language)
    assert _sources() == {_key(message.id) for message in catalogue if message.id}
    assert not catalogue.obsolete


@pytest.mark.parametrize("language", _TRANSLATED)
def test_translations_when_read(language: text.Language) -> None:
    for message in _catalogue(language):
        if message.id:
            sources, said = _strings(message.id), _strings(message.string)
            assert len(said) == len(sources), message.id
            for one in said:
                assert set(_PLACEHOLDER.findall(sources[0])) == set(_PLACEHOLDER.findall(one)), message.id
                assert one.strip(), message.id
            assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", _TRANSLATED)
def test_translations_when_searched_for_wrong_words(language: text.Language) -> None:
    wrong = re.compile(rf"\b({_FORBIDDEN[language]})\b", re.IGNORECASE)
    said = [one for message in _catalogue(language) if message.id for one in _strings(message.string)]
    assert [one for one in said if wrong.search(_PLACEHOLDER.sub("", one).replace("look_back", ""))] == []


def test_fine_and_price_when_named() -> None:
    assert text.nature_name(Nature.FINE, "es") == "multa"
    assert text.nature_name(Nature.PRICE, "es") == "descuento por nivel de servicio"
    assert text.nature_name(Nature.PRICE, "pt") == "glosa pelo IMR"


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_names_when_asked_for_all(language: text.Language) -> None:
    lists: list[tuple[Any, list[str]]] = [  # functions of one shape, under different argument names
        (text.verdict_name, list(Verdict)),
        (text.nature_name, list(Nature)),
        (text.block_name, list(Block)),
        (text.state_name, [*ChargeState, "due", "firm", "annulled"]),
        (text.cause_name, list(GapCause)),
        (text.outcome_name, [*Outcome, "decoded", "late"]),
        (text.kind_name, list(kinds())),
        (text.level_name, list(Level)),
        (text.unit_name, list(Unit)),
        (text.market_state_name, list(MarketState)),
        (text.word, list(text.WORDS)),
    ]
    for name, codes in lists:
        assert len(codes) == len([code for code in codes if name(code, language)])
        with pytest.raises(ValueError, match="nonsense"):
            name("nonsense", language)


def test_lines_when_named() -> None:
    base = _line({"code": "base", "base": "monthly-fee", "clause": "7.1"}, kind="base", nature="price", block="A")
    assert text.line_name(base, "es") == "valor mensual contratado"
    assert text.line_name(_line(_RUN), "es") == "multa"
    for kind in LineKind:
        assert text.line_name(_line(_RUN, kind=kind), "pt")
    assert (
        text.line_name(_line({"code": "carry-over/from-before"}, kind="carry_over"), "en")
        == "left over from earlier payments"
    )


def test_sentence_when_fine_in_procedure() -> None:
    assert {
        "en": "Container VP-0417 was full for at least 4 h 05 min (limit: 4 h) on 11 Sep 2026, between 06:00 and "
        f"10:05. Clause 14.2. Fine of CLP{_NBSP}34,000, in procedure, not charged.",
        "es": "El contenedor VP-0417 permaneció lleno al menos 4 h 05 min (máximo permitido: 4 h) el 11-09-2026, "
        "entre las 06:00 y las 10:05. Cláusula 14.2. Multa de $34.000, en procedimiento, no cobrada.",
        "pt": "O contêiner VP-0417 permaneceu cheio por pelo menos 4 h 05 min (máximo permitido: 4 h) em 11/09/2026, "
        f"entre 06:00 e 10:05. Cláusula 14.2. Multa contratual de CLP{_NBSP}34.000, em procedimento, não cobrada.",
    } == _told(_line(_RUN))


def test_sentence_when_hours_are_the_markets() -> None:
    hours = {"market": "vega", "state": "selling", "source": "ordinance"}
    hours |= {"from": "2026-09-11T06:00:00", "until": "2026-09-11T16:00:00"}
    said = _told(_line({**_RUN, "hours": hours}))
    assert "Market vega, selling: from 06:00 to 16:00 (ordinance)." in said["en"]
    assert "Feria vega, en venta: de 06:00 a 16:00 (ordinance)." in said["es"]
    assert "Feira vega, em venda: das 06:00 às 16:00 (ordinance)." in said["pt"]
    only = _told(_line({**_RUN, "hours": {"holidays": "chile", "on": "only"}}))
    assert "A holiday of the list chile." in only["en"]
    skip = _told(_line({**_RUN, "hours": {"holidays": "chile", "on": "skip"}}))
    assert _told(_line(_RUN)) == skip


def test_sentence_when_price_over_several_days() -> None:
    line = _line(_DAYS, block="A", nature="price")
    assert {
        "en": "Container VP-0417 went for at least 3 d 4 h without being emptied (limit: 3 d) between 06:00 on 8 Sep "
        f"2026 and 10:00 on 11 Sep 2026. Clause 14.2. Service-level deduction of CLP{_NBSP}34,000.",
        "es": "El contenedor VP-0417 pasó al menos 3 d 4 h sin vaciado (máximo permitido: 3 d) entre las 06:00 del "
        "08-09-2026 y las 10:00 del 11-09-2026. Cláusula 14.2. Descuento por nivel de servicio de $34.000.",
        "pt": "O contêiner VP-0417 ficou pelo menos 3 d 4 h sem esvaziamento (máximo permitido: 3 d) entre 06:00 de "
        f"08/09/2026 e 10:00 de 11/09/2026. Cláusula 14.2. Glosa pelo IMR de CLP{_NBSP}34.000.",
    } == _told(line)


def test_sentence_when_total() -> None:
    said = text.sentence(_line({**_RUN, "code": "total_time", "clause": ""}, block="A", nature="price"), "CLP", "es")
    assert (
        said
        == "El contenedor VP-0417 estuvo lleno al menos 4 h 05 min en total (máximo permitido: 4 h) el 11-09-2026. "
        "Descuento por nivel de servicio de $34.000."
    )


def test_sentence_when_charged_by_cause() -> None:
    said = _told(_line(_DOUBT))
    assert (
        said["es"]
        == "El contenedor VP-0417 se considera lleno 4 h 20 min (máximo permitido: 4 h) el 11-09-2026: 3 h están "
        "probadas y el resto son períodos sin datos de cargo del contratista. Cláusula 14.2. "
        "Multa de $34.000, en procedimiento, no cobrada."
    )
    assert "gaps in the data that the contractor bears" in said["en"]
    assert "lacunas de dados por conta da contratada" in said["pt"]


@pytest.mark.parametrize("nature", [Nature.DAMAGES, Nature.RETENTION, Nature.CREDIT])
def test_sentence_names_no_other_nature(nature: Nature) -> None:
    reduced = {"step": "decision", "in": "-40000", "act": _ACT["act"]}
    for changes in ({}, {"block": "A"}, {"state": "firm", "trace": [_ACT]}, {"state": "reduced", "trace": [reduced]}):
        for language, said in _told(_line(_RUN, nature=nature, **changes)).items():
            name = text.nature_name(nature, language)
            assert f"{name[0].upper()}{name[1:]}" in said
            others = {text.nature_name(one, language) for one in (Nature.FINE, Nature.PRICE)}
            assert not any(other in said.lower() for other in others)


def test_sentence_names_the_month_when_a_check_is_of_a_month() -> None:
    recorded = {"code": "recorded", "detail": {"what": "misses"}, "unit": "count", "proven": 9, "target": 3}
    month = _told(_line({**_RUN, **recorded, "day": "2026-09-01", "proven_from": "", "span": "month"}))
    assert "at least 9 (limit: 3) in September 2026" in month["en"]
    assert "al menos 9 (máximo permitido: 3) en septiembre de 2026" in month["es"]
    assert "on 1 Sep 2026" in _told(_line({**_RUN, **recorded, "day": "2026-09-01", "proven_from": ""}))["en"]


def test_sentence_when_held() -> None:
    said = _told(_line(_DOUBT, state=ChargeState.HELD, nature="price"))
    assert (
        said["es"]
        == "El contenedor VP-0417 permaneció lleno al menos 3 h y como máximo 4 h 20 min (máximo permitido: 4 h) el "
        "11-09-2026: los datos son insuficientes para concluir. Cláusula 14.2. "
        "Monto controvertido, no cobrado: $34.000 (descuento por nivel de servicio)."
    )
    assert "Sum held, not charged" in said["en"]
    assert "Parcela controversa, não cobrada" in said["pt"]


def test_sentence_when_terms_charge_doubt() -> None:
    assert "The contract terms charge what is inconclusive." in text.sentence(_line(_OPEN), "CLP", "en")


def test_sentence_when_proven_but_incomplete() -> None:
    said = text.sentence(_line({**_RUN, "verdict": "inconclusive"}), "CLP", "es")
    assert "entre las 06:00 y las 10:05. Los datos no alcanzan la completitud exigida. Cláusula 14.2." in said


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        (
            {"state": "free", "amount": "0", "trace": [_ALLOWANCE]},
            "Sin cobro: la tolerancia es de 2 eventos y este es el número 1.",
        ),
        (
            {"state": "free", "amount": "0", "trace": [{**_ALLOWANCE, "parameter": {"value": "1"}}]},
            "Sin cobro: la tolerancia es de 1 evento y este es el número 1.",
        ),
        (
            {"state": "absorbed", "trace": [{"step": "overlap", "absorbed_by": "c/emptied@3/VP-0417/x/0"}]},
            "Sin cobro: lo absorbe el hecho de mayor monto del mismo día según el estándar de servicio emptied.",
        ),
        (
            {"state": "absorbed", "determinations": ["a"], "trace": [{"step": "overlap", "absorbed_by": "a"}]},
            "Sin cobro: lo absorbe otra consecuencia, de mayor monto, del mismo hecho.",
        ),
        (
            {"state": "capped", "amount": "0", "trace": [{"step": "cap", "limit": "4100000"}]},
            "Sin cobro: se alcanzó el tope de $4.100.000.",
        ),
        (
            {"trace": [{"step": "cap", "limit": "34000"}]},
            "Multa de $34.000, en procedimiento, no cobrada. Limitado por el tope de $34.000.",
        ),
        (
            {"state": "firm", "block": "B", "trace": [_ACT]},
            "Multa de $34.000, firme por acto administrativo 1234 del 05-10-2026, cobrada.",
        ),
        (
            {"state": "annulled", "block": "B", "amount": "0", "trace": [_ACT]},
            "Sin efecto por acto administrativo 1234 del 05-10-2026; no se cobra.",
        ),
    ],
)
def test_sentence_when_state(changes: dict[str, Any], ends: str) -> None:
    line = _line(_RUN, **changes)
    said = _told(line)
    assert said["es"].endswith(f"Cláusula 14.2. {ends}")
    assert len(text.LANGUAGES) == len(set(said.values()))


@pytest.mark.parametrize(
    ("code", "amount", "said"),
    [
        ("base", "41000000", "Valor mensual contratado (monthly-fee): $41.000.000. Cláusula 7.1."),
        ("carry-over/from-before", "-1000", "Saldo de pagos anteriores que se descuenta en este pago: $1.000."),
        ("carry-over/to-next", "1000", "Saldo a descontar en el pago siguiente: $1.000."),
        ("rounding/total", "-1/3", "Redondeo del total según las condiciones del contrato: ≈$0."),
    ],
)
def test_sentence_when_sum(code: str, amount: str, said: str) -> None:
    says = {"code": code, "base": "monthly-fee", "clause": "7.1"} if code == "base" else {"code": code}
    line = _line(says, kind=LineKind.BASE, state="due", amount=amount, subject="")
    assert said == text.sentence(line, "CLP", "es")
    assert not text.remedy(line, "es")


def test_sentence_when_code_unknown() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        text.sentence(_line({"code": "nonsense"}), "CLP", "en")


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (_RUN, "No habría línea si el contenedor se hubiera vaciado antes de las 10:00."),
        (
            {**_RUN, "proven_from": "2026-09-11T22:00:00", "proven_until": "2026-09-12T02:05:00"},
            "No habría línea si el contenedor se hubiera vaciado antes de las 02:00 del 12-09-2026.",
        ),
        (_DAYS, "No habría línea si el contenedor se hubiera vaciado a más tardar a las 06:00 del 11-09-2026."),
        (
            {**_RUN, "proven_until": "2026-09-11T11:05:00"},
            "No habría línea si el contenedor se hubiera vaciado dentro de 4 h desde las 06:00 del 11-09-2026.",
        ),
        (
            {**_RUN, "code": "total_time"},
            "No habría línea si el contenedor hubiera estado lleno 4 h como máximo en total.",
        ),
        (_DOUBT, "No habría línea si datos completos hubieran mostrado 4 h como máximo."),
    ],
)
def test_remedy_when_measured(says: dict[str, Any], said: str) -> None:
    assert said == text.remedy(_line(says), "es")


def test_remedy_when_in_other_languages() -> None:
    assert text.remedy(_line(_RUN), "en") == "No line if the container had been emptied before 10:00."
    assert (
        text.remedy(_line(_RUN), "pt") == "Não haveria linha se o contêiner tivesse sido esvaziado antes das 10:00."
    )
    assert not text.remedy(_line(_RUN, state="annulled"), "en")
    assert not text.remedy(_line(_RUN, kind=LineKind.BONUS), "en")


@pytest.mark.parametrize(
    ("value", "currency", "language", "said"),
    [
        ("34000", "CLP", "es", "$34.000"),
        ("-34000", "CLP", "es", "$-34.000"),
        ("-34000", "CLP", "en", f"-CLP{_NBSP}34,000"),
        ("0", "CLP", "es", "$0"),
        ("12.50", "BRL", "pt", f"R${_NBSP}12,50"),
        ("12.5", "USD", "en", "$12.50"),
        ("0.125", "USD", "en", "$0.125"),
        ("1/3", "BRL", "pt", f"≈R${_NBSP}0,33"),
        ("-200/3", "CLP", "es", "≈$-67"),
        ("1" + "0" * 40, "CLP", "es", "$10" + ".000" * 13),
        ("12345678901234567890123456789012.45", "USD", "en", "$12,345,678,901,234,567,890,123,456,789,012.45"),
        ("100000000000000000000000000000000/3", "EUR", "en", "≈€33,333,333,333,333,333,333,333,333,333,333.33"),
    ],
)
def test_amount_when_written(value: str, currency: str, language: text.Language, said: str) -> None:
    assert said == text.amount(value, currency, language)


def test_amount_when_no_number() -> None:
    with pytest.raises(ValueError, match="abc"):
        text.amount("abc", "CLP", "es")


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (0, "0 min"),
        (45 * _MIN_US, "45 min"),
        (4 * _H_US, "4 h"),
        (4 * _H_US + 5 * _MIN_US, "4 h 05 min"),
        (76 * _H_US, "3 d 4 h"),
        (24 * _H_US + 5 * _MIN_US, "1 d 5 min"),
        (12 * _MIN_US + 30_000_000, "12 min 30 s"),
        (4 * _H_US + 1, "4 h 0,000001 s"),
        (-90 * _MIN_US, "-1 h 30 min"),
    ],
)
def test_duration_when_written(us: int, said: str) -> None:
    assert said == text.duration(us, "es")


def test_dates_when_written() -> None:
    assert [text.day("2026-09-11", one) for one in text.LANGUAGES] == ["11 Sep 2026", "11-09-2026", "11/09/2026"]
    assert text.instant("2026-09-11T06:00:00", "es") == "11-09-2026 06:00"
    assert text.instant("2026-09-11T06:00:30Z", "pt") == "11/09/2026 06:00:30 UTC"
    assert [text.month("2026-09", one) for one in text.LANGUAGES] == [
        "September 2026",
        "septiembre de 2026",
        "setembro de 2026",
    ]


def test_counts_and_shares_when_written() -> None:
    assert [text.count(12_345, one) for one in text.LANGUAGES] == ["12,345", "12.345", "12.345"]
    assert ["99.9%", f"99,9{_NBSP}%", "99,9%"] == [text.share(Fraction(9_999, 10_000), one) for one in text.LANGUAGES]
    assert text.share(Fraction(1), "en") == "100.0%"


@pytest.mark.parametrize(
    ("ppm", "target_ppm", "is_upper", "said"),
    [
        (780_500, 900_000, True, "78.1%"),
        (780_500, 900_000, False, "78.0%"),
        # A miss never reads as met, and what is met never as a miss.
        (899_999, 900_000, True, "89.9999%"),
        (899_950, 900_000, True, "89.995%"),
        (899_500, 900_000, True, "89.95%"),
        (900_000, 900_000, True, "90.0%"),
        (900_001, 900_000, False, "90.0001%"),
        (1_000_000, 900_000, True, "100.0%"),
        (0, 900_000, True, "0.0%"),
    ],
)
def test_bound_when_a_share_is_near_its_target(ppm: int, target_ppm: int, *, is_upper: bool, said: str) -> None:
    assert said == text.bound(ppm, {"unit": "ppm", "target": target_ppm}, "en", is_upper=is_upper)


def test_quantities_when_written_in_their_unit() -> None:
    assert ["76.5432%", f"76,5432{_NBSP}%", "76,5432%"] == [
        text.quantity(765_432, "ppm", one) for one in text.LANGUAGES
    ]
    assert ["3 d 4 h", "12,345"] == [text.quantity(76 * _H_US, "us", "en"), text.quantity(12_345, "count", "en")]
    assert ["1.480 m", "9,8 m"] == [text.length(1_480_900, "es"), text.length(9_870, "pt")]
    with pytest.raises(ValueError, match="kg"):
        text.quantity(1, "kg", "en")


def test_glossary_when_held_against_quantities() -> None:
    rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    known = [one for one in vars(quantities).values() if isinstance(one, quantities.Quantity)]
    assert [name for one in known for name in (one.name, one.said) if f"`{name}`" not in rows] == []
