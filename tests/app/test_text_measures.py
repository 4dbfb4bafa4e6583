"""Sentences of each measure and tariff: the proven bound, the limit, when, who bears what is missing."""

import re
from dataclasses import asdict
from typing import Any, get_args

import pytest

from app import text
from rules.consequences import Nature, Tariff
from rules.measures import Measure
from rules.payments.charges import ChargeState
from rules.payments.lines import Block, Line, LineKind

_H_US = 3_600 * 1_000_000
_MIN_US = 60 * 1_000_000
_NBSP = "\N{NO-BREAK SPACE}"
_CASE = {"case": "R-123", "opened": "2026-09-05T09:30:00", "answered": "2026-09-06T15:42:00", "step": "responded"}
_REPORT = {"report": "parte-diario", "due": "2026-09-06T12:00:00", "came": "2026-09-06T15:20:00"}
_POINTS = {"planned": 15, "achieved": 14, "good": 9, "grade": "B", "scale": "NI195", "min_n": 12}
_CLAIM = {**_REPORT, "claimed": 40, "lifts": 31, "margin": 3}
_SHARES = {"unit": "ppm", "op": ">=", "proven": 610_000, "borne": 952_000, "possible": 952_000}
_MISS = {**_SHARES, "borne": 780_500, "possible": 780_500}
_COUNT = {"unit": "count", "op": "<=", "proven": 1, "borne": 1, "possible": 1, "target": 0}
# Of each measure, a certain miss.
_SAYS: dict[str, dict[str, Any]] = {
    "longest_run": {"proven": 5 * _H_US, "target": 4 * _H_US},
    "total_time": {"proven": 5 * _H_US, "target": 4 * _H_US},
    "longest_unemptied": {"proven": 76 * _H_US, "target": 72 * _H_US},
    "longest_without_pass": {
        "proven": 98 * _H_US,
        "target": 72 * _H_US,
        "day": "2026-09-01",
        "proven_from": "2026-09-04T23:10:00",
        "proven_until": "2026-09-09T01:10:00",
    },
    "swept_share": {**_MISS, "target": 900_000, "detail": {"length_mm": 1_480_900}},
    "swept_share_worst_tenth": {**_MISS, "target": 900_000, "detail": {"segments": 2, "of": 14, "nights": 30}},
    "share_at_or_above": {**_MISS, "possible": 666_667, "borne": 666_667, "target": 800_000, "detail": _POINTS},
    "mean_grade": {**_MISS, "possible": 700_000, "borne": 700_000, "target": 800_000, "detail": _POINTS},
    "time_to_respond": {"proven": 30 * _H_US + 12 * _MIN_US, "target": 24 * _H_US, "detail": _CASE},
    "report_late": {**_COUNT, "detail": _REPORT},
    "report_missing": {**_COUNT, "detail": {**_REPORT, "came": ""}},
    "report_contradicted": {**_COUNT, "proven": 6, "borne": 6, "possible": 6, "detail": _CLAIM},
    "feed_completeness": {**_MISS, "target": 900_000, "detail": {"received": 210, "expected": 336}},
    "time_above_speed": {"proven": 2 * _H_US, "target": _H_US},
    "recorded": {**_COUNT, "proven": 22, "borne": 22, "possible": 22, "target": 15, "detail": {"what": "complaints"}},
}


def _line(code: str, says: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    said = {
        "code": code,
        "verdict": "not_met",
        "unit": "us",
        "op": "<=",
        "day": "2026-09-05",
        "proven_from": "2026-09-05T06:00:00",
        "proven_until": "2026-09-05T11:00:00",
        "clause": "15.1",
        "tariff": "per_event",
        **_SAYS[code],
        **(says or {}),
    }
    said = {"borne": said["proven"], "possible": said["proven"], **said}
    stated: dict[str, Any] = {
        "id": f"2026-09/standard/VP-03/{said['day']}",
        "block": Block.SETTLEMENT,
        "kind": LineKind.DEDUCTION,
        "nature": Nature.PRICE,
        "amount": "-24100",
        "fact_month": "2026-09",
        "firm_month": "2026-09",
        "charge_month": "2026-09",
        "state": ChargeState.CHARGED,
        "subject": "VP-03",
        "determinations": ["x"],
        "says": said,
    }
    return asdict(Line(**{**stated, **changes}))


def _told(line: dict[str, Any]) -> list[str]:
    """First sentence, up to the clause, in each language."""
    sentences = [text.sentence(line, "CLP", language) for language in text.LANGUAGES]
    return [re.split(r" (?:Clause|Cláusula) ", one)[0] for one in sentences]


def test_measures_when_counted() -> None:
    known = {kind for one in get_args(Measure) for kind in get_args(one.model_fields["kind"].annotation)}
    assert known == set(_SAYS)


@pytest.mark.parametrize("code", list(_SAYS))
@pytest.mark.parametrize("state", [ChargeState.CHARGED, ChargeState.HELD])
@pytest.mark.parametrize("doubt", ["certain", "borne", "open"])
def test_sentence_when_any_measure(code: str, state: ChargeState, doubt: str) -> None:
    """No placeholder is left, no two languages say the same, a remedy is told."""
    says: dict[str, Any] = {}
    if doubt != "certain":
        certain = _line(code)["says"]
        is_least = certain["op"] == ">="
        far = {"proven": 0, "possible": max(certain["target"] + 1, 1_000_000 if is_least else certain["proven"])}
        missed = (0 if is_least else far["possible"]) if doubt == "borne" else (far["possible"] if is_least else 0)
        says = {**far, "borne": missed, "verdict": "inconclusive"}
    line = _line(code, says, state=state)
    said = [text.sentence(line, "CLP", language) for language in text.LANGUAGES]
    remedies = [text.remedy(line, language) for language in text.LANGUAGES]
    assert len(text.LANGUAGES) == len(set(said)) == len(set(remedies))
    assert not [one for one in (*said, *remedies) if re.search(r"[{}]|\s\s|^$|None|[^.]$", one)]
    if doubt == "borne" and state == ChargeState.CHARGED:
        assert "contractor bears" in said[0]
        assert re.search("de cargo del contratista", said[1])
        assert re.search("por conta da contratada", said[2])


def test_swept_share_when_missed() -> None:
    assert _told(_line("swept_share")) == [
        (
            "Zone VP-03: at most 78.1% of 1,480 m of street was swept in the shift that began on 5 Sep 2026 (at "
            "least 90% due)."
        ),
        (
            f"Sector VP-03: la cobertura de barrido fue de 78,1{_NBSP}% como máximo, sobre 1.480 m de calle, en el "
            f"turno que comenzó el 05-09-2026 (mínimo exigido: 90{_NBSP}%)."
        ),
        (
            "Setor VP-03: a cobertura de varrição foi de no máximo 78,1%, sobre 1.480 m de via, no turno iniciado em "
            "05/09/2026 (mínimo exigido: 90%)."
        ),
    ]


def test_swept_share_when_the_contractor_bears_the_gaps() -> None:
    says = {**_SHARES, "borne": 780_500, "target": 900_000, "verdict": "inconclusive"}
    assert _told(_line("swept_share", says)) == [
        (
            "Zone VP-03: at most 78.1% of 1,480 m of street counts as swept in the shift that began on 5 Sep 2026 "
            "(at least 90% due): 61.0% is proven, and what could raise it to 95.2% are gaps in the data that the "
            "contractor bears."
        ),
        (
            f"Sector VP-03: se considera una cobertura de barrido de 78,1{_NBSP}% como máximo, sobre 1.480 m de "
            f"calle, en el turno que comenzó el 05-09-2026 (mínimo exigido: 90{_NBSP}%): 61,0{_NBSP}% está probado, "
            f"y lo que podría elevarla a 95,2{_NBSP}% son períodos sin datos de cargo del contratista."
        ),
        (
            "Setor VP-03: considera-se uma cobertura de varrição de no máximo 78,1%, sobre 1.480 m de via, no turno "
            "iniciado em 05/09/2026 (mínimo exigido: 90%): 61,0% está comprovado, e o que poderia elevá-la a 95,2% "
            "são lacunas de dados por conta da contratada."
        ),
    ]


def test_swept_share_when_open() -> None:
    line = _line("swept_share", {**_SHARES, "verdict": "inconclusive"}, state=ChargeState.HELD)
    assert "between 61.0% and 95.2% of 1,480 m of street was swept" in _told(line)[0]
    assert "los datos son insuficientes para concluir" in _told(line)[1]


def test_worst_tenth_when_missed() -> None:
    assert _told(_line("swept_share_worst_tenth")) == [
        (
            "Zone VP-03: the worst-swept tenth of its streets (2 of 14 street segments) was swept at most 78.1% on "
            "average over the shifts of September 2026 (at least 90% due)."
        ),
        (
            "Sector VP-03: el décimo de sus calles con menor barrido (2 de 14 tramos de calle) tuvo una cobertura de "
            f"barrido media de 78,1{_NBSP}% como máximo en los turnos de septiembre de 2026 (mínimo exigido: "
            f"90{_NBSP}%)."
        ),
        (
            "Setor VP-03: o décimo das suas vias com menor varrição (2 de 14 trechos de via) teve cobertura de "
            "varrição média de no máximo 78,1% nos turnos de setembro de 2026 (mínimo exigido: 90%)."
        ),
    ]


def test_pass_when_missed() -> None:
    line = _line("longest_without_pass", {"detail": {"name": "San Pablo"}}, subject="S-0104")
    assert _told(line) == [
        (
            "Street segment S-0104 (San Pablo) went for at least 4 d 2 h without a sweeping pass (limit: 3 d) "
            "between 23:10 on 4 Sep 2026 and 01:10 on 9 Sep 2026."
        ),
        (
            "El tramo de calle S-0104 (San Pablo) estuvo al menos 4 d 2 h sin pasada de barrido (máximo permitido: 3 "
            "d) entre las 23:10 del 04-09-2026 y las 01:10 del 09-09-2026."
        ),
        (
            "O trecho de via S-0104 (San Pablo) ficou pelo menos 4 d 2 h sem passagem de varrição (máximo permitido: "
            "3 d) entre 23:10 de 04/09/2026 e 01:10 de 09/09/2026."
        ),
    ]
    assert text.remedy(line, "en") == "No line if a sweeping pass had come by 23:10 on 7 Sep 2026."
    shifted = _line("longest_without_pass", {"proven_until": "2026-09-09T02:10:00"})
    assert text.remedy(shifted, "en") == "No line if a sweeping pass had come within 3 d from 23:10 on 4 Sep 2026."


def test_grades_when_missed() -> None:
    line = _line("share_at_or_above")
    assert _told(line) == [
        (
            "Zone VP-03: at most 66.7% of the drawn points were at grade B or better in September 2026 (at least 80% "
            "due): it was found at 9 of 15. 1 drawn point was not inspected, which counts for the contractor."
        ),
        (
            f"Sector VP-03: como máximo 66,7{_NBSP}% de los puntos sorteados tuvo nota B o mejor en septiembre de "
            f"2026 (mínimo exigido: 80{_NBSP}%): se constató en 9 de 15. 1 punto sorteado no se inspeccionó, lo que "
            "se cuenta a favor del contratista."
        ),
        (
            "Setor VP-03: no máximo 66,7% dos pontos sorteados teve nota B ou melhor em setembro de 2026 (mínimo "
            "exigido: 80%): foi constatada em 9 de 15. 1 ponto sorteado não foi vistoriado, o que conta a favor da "
            "contratada."
        ),
    ]
    assert (
        text.remedy(line, "en")
        == "No line if 12 of the 15 drawn points had been at grade B or better, those not inspected counted in."
    )


def test_grades_when_too_few_were_inspected() -> None:
    says = {"proven": 0, "borne": 1_000_000, "possible": 1_000_000, "verdict": "inconclusive"}
    line = _line("share_at_or_above", {**says, "detail": {**_POINTS, "achieved": 3}}, state=ChargeState.HELD)
    assert (
        _told(line)[0]
        == "Zone VP-03: of 15 drawn points 3 were inspected in September 2026, fewer than the 12 that are needed: "
        "the data are insufficient to conclude."
    )


def test_complaint_when_answered_late() -> None:
    line = _line("time_to_respond", subject="R-123")
    assert _told(line) == [
        "Complaint R-123 of 5 Sep 2026 was answered after 30 h 12 min (limit: 24 h).",
        "El reclamo R-123 del 05-09-2026 recibió respuesta después de 30 h 12 min (máximo permitido: 24 h).",
        "A reclamação R-123 de 05/09/2026 recebeu resposta após 30 h 12 min (máximo permitido: 24 h).",
    ]
    assert (
        text.remedy(line, "es")
        == "No habría línea si el reclamo hubiera recibido respuesta dentro de 24 h desde las 09:30 del 05-09-2026."
    )


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("responded", "was not answered within the 72 h that were waited (limit: 24 h)."),
        ("resolved", "was not resolved within the 72 h that were waited (limit: 24 h)."),
        ("confirmed", "was not confirmed as resolved within the 72 h that were waited (limit: 24 h)."),
    ],
)
def test_complaint_when_never_answered(step: str, said: str) -> None:
    detail = {**_CASE, "answered": "", "step": step}
    line = _line("time_to_respond", {"proven": 72 * _H_US, "detail": detail}, subject="R-123")
    assert f"Complaint R-123 of 5 Sep 2026 {said}" == _told(line)[0]
    assert text.remedy(line, "pt")


def test_reports_when_missed() -> None:
    assert _told(_line("report_late")) == [
        "Zone VP-03: the report parte-diario of 5 Sep 2026 came late, on 6 Sep 2026 15:20 (due by 6 Sep 2026 12:00).",
        (
            "Sector VP-03: el informe parte-diario del 05-09-2026 llegó fuera de plazo, el 06-09-2026 15:20 (plazo: "
            "06-09-2026 12:00)."
        ),
        (
            "Setor VP-03: o relatório parte-diario de 05/09/2026 chegou fora do prazo, em 06/09/2026 15:20 (prazo: "
            "06/09/2026 12:00)."
        ),
    ]
    assert (
        _told(_line("report_missing"))[1]
        == "Sector VP-03: el informe parte-diario del 05-09-2026 no llegó y se considera no entregado (plazo: "
        "06-09-2026 12:00)."
    )
    assert (
        _told(_line("report_contradicted"))[0]
        == "Zone VP-03: the report parte-diario of 5 Sep 2026 declares 40 lifts, and the vehicles recorded 31: at "
        "least 6 beyond the margin of 3."
    )


def test_feed_when_missed() -> None:
    assert (
        _told(_line("feed_completeness", subject="BR-01"))[0]
        == "The device on BR-01 delivered 210 of the 336 readings that it owed in the service hours that began on 5 "
        "Sep 2026: 78.1% at most, the gaps that the city bears counted in (at least 90% due)."
    )


def _number(value: str, unit: str = "CLP") -> dict[str, str]:
    return {"value": value, "unit": unit, "clause": "15.1", "from": "2026-09-01", "origin": "tender"}


_TARIFFS: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "per_event", "parameter": _number("24100")}, ["", "", ""]),
    (
        {"kind": "per_time", "time": "PT1H", "count": "7", "parameter": _number("4000"), "bound": "borne"},
        [
            f"7 times 1 h, at CLP{_NBSP}4,000 each.",
            "7 veces 1 h, a $4.000 cada una.",
            f"7 vezes 1 h, a CLP{_NBSP}4.000 cada uma.",
        ],
    ),
    (
        {"kind": "per_time", "time": "P1D", "count": "0.5", "parameter": _number("4000"), "bound": "least"},
        [
            f"0.5 times 1 d, at CLP{_NBSP}4,000 each. Taken as the smallest miss there can be.",
            "0,5 veces 1 d, a $4.000 cada una. Se valora como el menor incumplimiento posible.",
            (f"0,5 vezes 1 d, a CLP{_NBSP}4.000 cada uma. Valorado como o menor descumprimento possível."),
        ],
    ),
    (
        {"kind": "range", "min": "100", "max": "1000", "parameter": _number("100")},
        [
            f"From CLP{_NBSP}100 to CLP{_NBSP}1,000: the least, as nobody chose another.",
            "De $100 a $1.000: el mínimo, pues no se fijó otro monto.",
            f"De CLP{_NBSP}100 a CLP{_NBSP}1.000: o mínimo, pois não se fixou outro valor.",
        ],
    ),
    (
        {
            "kind": "range",
            "min": "100",
            "max": "1000",
            "parameter": _number("700"),
            "choice": {"number": "12", "date": "2026-10-05", "signer": "ana", "reason": "twice in a week"},
        },
        [
            f"From CLP{_NBSP}100 to CLP{_NBSP}1,000: chosen by act 12 of 5 Oct 2026, because: twice in a week.",
            "De $100 a $1.000: fijado por el acto 12 del 05-10-2026, por cuanto: twice in a week.",
            (f"De CLP{_NBSP}100 a CLP{_NBSP}1.000: fixado pelo ato 12 de 05/10/2026, porque: twice in a week."),
        ],
    ),
    (
        {"kind": "planned_share", "planned": 420, "parameter": _number("41000000")},
        [
            f"One of the 420 planned checks that share CLP{_NBSP}41,000,000.",
            "Una de las 420 unidades evaluadas entre las que se reparte $41.000.000.",
            f"Uma das 420 unidades de aferição entre as quais se reparte CLP{_NBSP}41.000.000.",
        ],
    ),
    (
        {"kind": "per_unit", "units": 4, "parameter": _number("0.2", "UTM"), "bound": "borne"},
        [
            "4 beyond the limit, at 0.2 UTM each.",
            "4 sobre el máximo permitido, a 0,2 UTM por unidad.",
            "4 acima do máximo permitido, a 0,2 UTM por unidade.",
        ],
    ),
    (
        {"kind": "proportional", "missing": "0.219347", "parameter": _number("110000"), "bound": "borne"},
        [
            f"Service not rendered: 21.9347% of CLP{_NBSP}110,000.",
            f"Servicio no prestado: 21,9347{_NBSP}% de $110.000.",
            f"Serviço não executado: 21,9347% de CLP{_NBSP}110.000.",
        ],
    ),
    (
        {
            "kind": "band",
            "band_from": "0.6",
            "base_amount": "41000000",
            "parameter": _number("0.5", "percent"),
            "bound": "borne",
        },
        [
            f"Band from 60% upwards: 0.5% of CLP{_NBSP}41,000,000.",
            f"Rango desde 60{_NBSP}%: 0,5{_NBSP}% de $41.000.000.",
            f"Faixa a partir de 60%: 0,5% de CLP{_NBSP}41.000.000.",
        ],
    ),
    (
        {"kind": "nth", "occurrence": 2, "key": "zone", "parameter": _number("0.2", "UTM")},
        [
            "Event number 2 of the month in the zone: 0.2 UTM.",
            "Evento número 2 del mes en el sector: 0,2 UTM.",
            "Evento número 2 do mês no setor: 0,2 UTM.",
        ],
    ),
]


@pytest.mark.parametrize(("step", "said"), _TARIFFS)
def test_sentence_when_tariff(step: dict[str, Any], said: list[str]) -> None:
    line = _line("swept_share", trace=[{"step": "tariff", "in": "0", "out": "1", **step}])
    owed = (
        f"Service-level deduction of CLP{_NBSP}24,100.",
        "Descuento por nivel de servicio de $24.100.",
        f"Glosa pelo IMR de CLP{_NBSP}24.100.",
    )
    for language, charge, tail in zip(text.LANGUAGES, owed, said, strict=True):
        assert text.sentence(line, "CLP", language).endswith(f"15.1. {charge} {tail}".rstrip())


@pytest.mark.parametrize("key", ["contract", "zone", "asset"])
def test_sentence_when_counted_for(key: str) -> None:
    step = {"step": "tariff", "kind": "nth", "occurrence": 2, "key": key, "parameter": _number("0.2", "UTM")}
    said = {text.sentence(_line("longest_without_pass", trace=[step]), "CLP", one) for one in text.LANGUAGES}
    assert len(text.LANGUAGES) == len([one for one in said if "0.2 UTM" in one or "0,2 UTM" in one])


def test_tariffs_when_counted() -> None:
    known = {kind for one in get_args(Tariff) for kind in get_args(one.model_fields["kind"].annotation)}
    assert known == {step["kind"] for step, _ in _TARIFFS}


def test_tariff_when_unknown() -> None:
    trace = [{"step": "tariff", "kind": "auction", "parameter": _number("1")}]
    with pytest.raises(ValueError, match="auction"):
        text.sentence(_line("swept_share", trace=trace), "CLP", "en")


@pytest.mark.parametrize(
    ("state", "amount", "cap", "said"),
    [
        (
            "charged",
            "-100",
            {"limit": "1230000", "carried": "9900"},
            "Limitado por el tope de $1.230.000; quedan $9.900 como saldo a descontar en el pago siguiente.",
        ),
        (
            "capped",
            "0",
            {"limit": "1230000", "carried": "9900"},
            (
                "Sin cobro por ahora: se alcanzó el tope de $1.230.000; quedan $9.900 como saldo a descontar en el "
                "pago siguiente."
            ),
        ),
    ],
)
def test_sentence_when_cap_carries_over(state: str, amount: str, cap: dict[str, Any], said: str) -> None:
    line = _line("swept_share", state=state, amount=amount, trace=[{"step": "cap", "in": "1", "out": "1", **cap}])
    assert text.sentence(line, "CLP", "es").endswith(said)


def _carried(owed: str, charged: str, limit: str, **changes: Any) -> dict[str, Any]:
    says = {"code": "cap_carry", "months": ["2026-08", "2026-09"], "owed": owed, "limit": limit, "clause": "15.1"}
    trace = [{"step": "cap", "in": owed, "out": charged, "limit": limit}]
    state = ChargeState.CHARGED if charged != "0" else ChargeState.CAPPED
    return {
        **_line("swept_share", kind=LineKind.CARRY_OVER, amount=f"-{charged}", state=state, trace=trace),
        "says": says,
        **changes,
    }


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        (_carried("9900", "9900", "1230000"), "Service-level deduction of CLP 9,900."),
        (
            _carried("9900", "4000", "1230000"),
            (
                "Service-level deduction of CLP 4,000. Limited by the cap of CLP 1,230,000; CLP 5,900 is carried "
                "over to the next month."
            ),
        ),
        (
            _carried("9900", "0", "1230000"),
            (
                "Nothing is charged now: the cap of CLP 1,230,000 is reached; CLP 9,900 is carried over to the next "
                "month."
            ),
        ),
        (_carried("9900", "0", ""), "The terms carry nothing over any more; nothing is charged."),
        (
            _carried(
                "9900",
                "9900",
                "1230000",
                state="firm",
                nature="fine",
                trace=[{"step": "act", "act": {"number": "7", "date": "2026-11-02"}}],
            ),
            "Fine of CLP 9,900, firm by act 7 of 2 Nov 2026, charged.",
        ),
    ],
)
def test_sentence_when_carried_over(line: dict[str, Any], ends: str) -> None:
    said = text.sentence(line, "CLP", "en").replace(_NBSP, " ")
    begins = "Carried over from August 2026 and September 2026, beyond the cap of that time: CLP 9,900. Clause 15.1."
    assert f"{begins} {ends}" == said
    assert not text.remedy(line, "en")
    assert [text.line_name(line, one) for one in text.LANGUAGES] == [
        "carried over beyond a cap",
        "saldo que excedió un tope",
        "saldo que excedeu um teto",
    ]
