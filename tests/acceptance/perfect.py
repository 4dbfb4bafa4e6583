"""An honest, perfect contractor over many seeds: field, decoding, assessment and statement, with no server between.

`python -m tests.acceptance.perfect --seeds 200 --days 30` tries whole months; the tests try shorter spans.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache, partial

from app.jobs.demo_field import FIRST, MONTHS, Field, field_of, messages_of, register_of
from app.jobs.demo_sources import sources_toml
from ingest.accept import accept, source_of
from ingest.sources import read_sources
from rules.assess import assess
from rules.payments.money import read
from rules.payments.statement import settle
from rules.register import load_register
from sensors.columns import Columns
from sensors.fleet import Message
from sensors.readings import Reading
from sensors.registry import kinds
from tests.rules.field import columns_of

FAR_US = 2**61
# Of September: in fewer the standards of a month would judge days that nobody drove.
_MONTH_DAYS = 30


def shortfall(seed: int, days: int, containers: int) -> tuple[Fraction, list[str]]:
    """What a perfect contractor is not paid of its base sum in the first month, and its lines in procedure.

    Of each fifth seed the devices speak all formats; of the others native JSON, which is decoded in half the time.
    """
    field = field_of(seed, containers, is_perfect=True, days=days, is_mixed=seed % 5 == 0)
    register = load_register(register_of(field), field.terms)
    readings = stored(field, messages_of(field, seed))
    span: tuple[date, date] = (FIRST, FIRST + timedelta(days=days))
    whole = [one for one in field.terms.file.standard if days >= _MONTH_DAYS or one.window.span == "day"]
    judging = replace(field.terms, file=field.terms.file.model_copy(update={"standard": whole}))
    body = settle(field.terms, assess(judging, register, readings, span, FAR_US), MONTHS[0]).body
    charged = [line["id"] for line in body["blocks"]["C"]["lines"]]
    return read(body["totals"]["base"]) - read(body["totals"]["net"]), charged


def stored(field: Field, messages: Iterable[Message]) -> dict[tuple[str, str, str], Columns]:
    """Decode messages by the field's sources and lay what is distinct into columns, by kind, source and device."""
    sources = read_sources(sources_toml(field.voices.values()))
    said = defaultdict[tuple[str, str, str], set[Reading]](set)
    speaker = cache(partial(source_of, sources))
    for message in messages:
        for reading in accept(speaker(message.topic), message.topic, message.payload).readings:
            said[reading.kind.name, reading.source, reading.device].add(reading)
    return {key: columns_of(kinds()[key[0]], readings) for key, readings in said.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--containers", type=int, default=8)
    asked = parser.parse_args()
    short = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        missing, lines = shortfall(seed, asked.days, asked.containers)
        short += bool(missing or lines)
        if missing or lines:
            sys.stdout.write(f"{seed} {missing} {lines}\n")
    sys.stdout.write(f"{asked.seeds - short} of {asked.seeds} perfect months were paid in full\n")
