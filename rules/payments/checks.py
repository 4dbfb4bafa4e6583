"""A month's checks as columns: what a statement asks of all of them, asked of arrays.

Of a million checks a statement counts all and charges few. So what is asked of every one (is it of this month and
these terms, is it judged twice, what does its verdict lead to) is asked of whole columns, and only what may be
charged becomes a determination again.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from rules.calendar import month_days
from rules.contract import Terms
from rules.errors import CalculationError
from rules.records import Determination, Op, Verdict, canonical, digest

# Rows digested at a time: so few that their lists do not wake the search for garbage among millions of objects.
_PIECE = 512
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A column of texts, each kept once.

    Parameters
    ----------
    codes : ndarray of intp
        Which text each row holds. Shape (n,).
    names : dict of str to int
        Text to code, in the order of the codes.
    """

    codes: NDArray[np.intp]
    names: dict[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Number the texts in the order in which they come.

        Parameters
        ----------
        texts : iterable of str
            One a row.
        """
        names: dict[str, int] = {}
        return cls(np.fromiter((names.setdefault(text, len(names)) for text in texts), np.intp), names)

    @classmethod
    def same(cls, text: str, count: int) -> Self:
        """Hold one text in all rows.

        Parameters
        ----------
        text : str
        count : int
            How many rows.
        """
        return cls(np.zeros(count, np.intp), {text: 0})

    def where(self, *texts: str) -> Mask:
        """In which rows one of the texts stands.

        Parameters
        ----------
        texts : str
        """
        hit = np.zeros(len(self.names), bool)
        hit[[self.names[text] for text in texts if text in self.names]] = True
        return hit[self.codes]

    def counts(self, rows: Mask | None = None) -> Counter[str]:
        """How many rows hold each text.

        Parameters
        ----------
        rows : ndarray of bool, optional
            Rows to look at; all by default.
        """
        codes = self.codes if rows is None else self.codes[rows]
        return Counter(dict(zip(self.names, np.bincount(codes, minlength=len(self.names)).tolist(), strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """A month's checks, one a row, in any order.

    Parameters
    ----------
    contract, terms, standard, subject, day, verdict, op : Named
        As in a determination; `terms` is the terms' digest.
    version, window_start_us, proven, borne, possible, target, received, expected : ndarray of int64
        As in a determination; `version` is that of the terms. Shape (n,).
    fact : callable
        Row to determination: what is charged becomes one.
    sha256 : str
        Digest of all, see `digest_of`.
    """

    contract: Named
    terms: Named
    standard: Named
    subject: Named
    day: Named
    verdict: Named
    op: Named
    version: NDArray[np.int64]
    window_start_us: NDArray[np.int64]
    proven: NDArray[np.int64]
    borne: NDArray[np.int64]
    possible: NDArray[np.int64]
    target: NDArray[np.int64]
    received: NDArray[np.int64]
    expected: NDArray[np.int64]
    fact: Callable[[int], Determination]
    sha256: str

    def __len__(self) -> int:
        return len(self.version)

    @classmethod
    def of(cls, found: "Checks | Sequence[Determination]") -> "Checks":
        """Lay determinations into columns; what lies there already is given back.

        Parameters
        ----------
        found : Checks or sequence of Determination

        Raises
        ------
        CalculationError
            When a number has no place in 64 bits.
        TypeError
            When a determination has no canonical form.
        """
        if isinstance(found, Checks):
            return found
        ids, digests = [one.id for one in found], [digest(one.content()) for one in found]
        terms = Named.of(one.digests.get("terms", "") for one in found)
        return _laid(found, terms, found.__getitem__, digest_of(ids, digests))

    @classmethod
    def of_texts(cls, ids: Sequence[str], texts: Sequence[str]) -> "Checks":
        """Lay determinations into columns as they are stored.

        Parameters
        ----------
        ids : sequence of str
            As they are stored.
        texts : sequence of str
            Canonical JSON of each one's content, whose digest is that of the determination.

        Raises
        ------
        CalculationError
            When a text is no determination.
        """
        read = msgspec.json.Decoder(_Head).decode
        try:
            heads = [read(text) for text in texts]
        except msgspec.MsgspecError as error:
            raise CalculationError(f"a stored text is no determination: {error}") from error
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        terms = Named.of(one.digests.terms for one in heads)
        return _laid(heads, terms, partial(_read, texts), digest_of(ids, digests))

    def refuse_foreign(self, terms: Terms, month: str) -> None:
        """Refuse what is not of a month and its terms, and what is judged twice.

        Parameters
        ----------
        terms : Terms
            The version that holds in the month.
        month : str

        Raises
        ------
        CalculationError
            For the first row that is refused.
        """
        version = f"{terms.id}@{terms.version}"
        refused = {
            f"was made under other terms than {version}": ~(
                self.contract.where(terms.id) & self.terms.where(terms.digest)
            ),
            f"is of a standard that {version} lacks": ~self.standard.where(*(one.id for one in terms.file.standard)),
            f"is not of {month}": ~self.day.where(*(day for day in self.day.names if _is_within(day, month))),
            "": self._again(),
        }
        first = np.flatnonzero(np.logical_or.reduce(list(refused.values())))[:1].tolist()
        for row in first:
            one, why = self.fact(row), next(why for why, rows in refused.items() if rows[row])
            if not why:
                raise CalculationError(f"two determinations judge {one.opportunity}; keep the one that holds")
            raise CalculationError(f"determination {one.id} {why}")

    def _again(self) -> Mask:
        """Which rows judge what an earlier row judges."""
        keys = (self.window_start_us, self.subject.codes, self.standard.codes, self.contract.codes, self.version)
        order = np.lexsort(keys)  # stable, so of equal ones the first comes first
        again = np.zeros(len(self), bool)
        same = [key[order[1:]] == key[order[:-1]] for key in keys]
        again[order[1:]] = np.logical_and.reduce(same)
        return again

    @property
    def is_missed_borne(self) -> Mask:
        """Which miss the target once the contractor's own gaps count against it, and no other doubt does."""
        return np.where(self.op.where(Op.AT_MOST), self.borne > self.target, self.borne < self.target)

    def completeness(self) -> dict[str, dict[str, int]]:
        """Readings received and expected, by slot, for each standard."""
        found: dict[str, dict[str, int]] = {}
        for name in self.standard.names:
            rows = self.standard.where(name)
            found[name] = {"received": int(self.received[rows].sum()), "expected": int(self.expected[rows].sum())}
        return found

    def ids_at(self, standard: str, subject: str, day: str) -> list[str]:
        """Ids of the checks of a subject and day, in the order of their windows.

        Parameters
        ----------
        standard, subject, day : str
        """
        rows = np.flatnonzero(self.subject.codes == self.subject.names.get(subject, -1))
        found = [self.fact(row) for row in rows[np.argsort(self.window_start_us[rows], kind="stable")].tolist()]
        return [one.id for one in found if (one.standard, one.day) == (standard, day)]


class _Digests(msgspec.Struct, gc=False):
    terms: str


class _Head(msgspec.Struct, gc=False):
    """What a column is made of."""

    contract: str
    standard: str
    terms_version: int
    subject: str
    day: str
    window_start_us: int
    verdict: Verdict
    op: Op
    proven: int
    borne: int
    possible: int
    target: int
    received: int
    expected: int
    digests: _Digests


def digest_of(ids: Sequence[str], digests: Sequence[str]) -> str:
    """Digest of the sorted list of `[id, digest of the determination]`.

    Parameters
    ----------
    ids, digests : sequence of str
        Of each determination; no id twice.
    """
    # Sorting numbers by their ids is quicker than sorting pairs, and each piece of the list is text like the whole.
    order = sorted(range(len(ids)), key=ids.__getitem__)
    found = hashlib.sha256(b"[")
    for begin in range(0, len(order), _PIECE):
        piece = canonical([[ids[row], digests[row]] for row in order[begin : begin + _PIECE]])
        found.update(("," * (begin > 0) + piece[1:-1]).encode())
    found.update(b"]")
    return found.hexdigest()


def _laid(
    rows: Sequence[Determination] | Sequence[_Head],
    terms: Named,
    fact: Callable[[int], Determination],
    sha256: str,
) -> Checks:
    def texts(name: str) -> Named:
        return Named.of(map(attrgetter(name), rows))

    def numbers(name: str) -> NDArray[np.int64]:
        values: Iterable[Any] = map(attrgetter(name), rows)
        try:
            # NumPy would cut a fraction off in silence; an array of the standard library refuses it.
            return np.frombuffer(array("q", values), np.int64)
        except OverflowError as error:
            raise CalculationError(f"{name} of a determination has no place in 64 bits") from error

    return Checks(
        contract=texts("contract"),
        terms=terms,
        standard=texts("standard"),
        subject=texts("subject"),
        day=texts("day"),
        verdict=texts("verdict"),
        op=texts("op"),
        version=numbers("terms_version"),
        window_start_us=numbers("window_start_us"),
        proven=numbers("proven"),
        borne=numbers("borne"),
        possible=numbers("possible"),
        target=numbers("target"),
        received=numbers("received"),
        expected=numbers("expected"),
        fact=fact,
        sha256=sha256,
    )


def _read(texts: Sequence[str], row: int) -> Determination:
    return Determination.read(texts[row])


def _is_within(day: str, month: str) -> bool:
    first, until = month_days(month)
    try:
        return first <= date.fromisoformat(day) < until
    except ValueError:
        return False
