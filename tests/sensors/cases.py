"""What a kind can say, drawn from its declaration."""

import json
import re
from typing import Any, TypeAlias

from hypothesis import strategies as st

from sensors.codecs import native
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.quantities import Quantity, Word
from sensors.readings import NOT_SAID, Decoded, Kind
from sensors.sources import Source
from sensors.topics import ROOT, subscription

# Stored numbers and words by the names of their columns.
Said: TypeAlias = dict[str, Any]
NATIVE = Source("", subscription(), "native")


def declared(kind: Kind) -> dict[str, Quantity | Word]:
    """Give what a kind declares by name."""
    both: list[Quantity | Word] = [*kind.quantities, *kind.words]
    return {one.name: one for one in both}


# Of each pattern declared one fulfils it.
_EXAMPLES = ("a", "opened", "2026-09", "2026-09-05", 64 * "0")


def word_of(pattern: str) -> str:
    """Give a word that fulfils a pattern."""
    return next(example for example in _EXAMPLES if re.fullmatch(pattern, example))


def least(kind: Kind) -> Said:
    """Give something that satisfies every need of a kind, and says all that any group of them names."""
    names = dict.fromkeys(name for group in kind.needs for name in group)
    return {name: _simplest(declared(kind)[name]) for name in names}


def _simplest(one: Quantity | Word) -> int | str:
    return word_of(one.pattern) if isinstance(one, Word) else (one.minimum + one.maximum) // 2


def said_by(kind: Kind) -> st.SearchStrategy[Said]:
    """Draw what one reading of a kind says, as it is stored."""
    values = {name: _values(one) for name, one in declared(kind).items()}
    needed = st.tuples(*(st.sampled_from(group) for group in kind.needs))
    return needed.flatmap(
        lambda names: st.fixed_dictionaries(
            {name: values[name] for name in dict.fromkeys(names)},
            optional={name: each for name, each in values.items() if name not in names},
        )
    )


def _values(one: Quantity | Word) -> st.SearchStrategy[Any]:
    if isinstance(one, Word):
        return st.from_regex(one.pattern, fullmatch=True)
    return st.integers(one.minimum, one.maximum) | st.sampled_from((one.minimum, one.maximum))


def message_of(kind: Kind, said: Said) -> dict[str, Any]:
    """Turn what is stored into the fields of a message."""
    fields: dict[str, Any] = {}
    for name, value in said.items():
        one = declared(kind)[name]
        fields[one.said] = value if isinstance(one, Word) else value / one.scale
    return fields


def numbers_of(kind: Kind, said: Said) -> tuple[int, ...]:
    """Give the numbers of a reading in the order of its columns."""
    return tuple(said.get(quantity.name, NOT_SAID) for quantity in kind.quantities)


def words_of(kind: Kind, said: Said) -> tuple[str, ...]:
    """Give the words of a reading in the order of its columns."""
    return tuple(said.get(word.name, "") for word in kind.words)


def decode_native(message: object, kind: str = "fill_level", *, topic: str = "") -> Decoded:
    """Decode a native message, in bytes or to be written as JSON, on the topic of a device or on another."""
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return native.decode(NATIVE, topic or f"{ROOT}/city/bin-1/{kind}", payload)


def levels(**said: int) -> tuple[int, ...]:
    """Give the stored values of a fill level."""
    assert not said.keys() - {quantity.name for quantity in FILL_LEVEL.quantities}
    return numbers_of(FILL_LEVEL, said)
