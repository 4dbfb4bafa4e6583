"""How accurately drives are matched to streets: the product beside its peers, on drives with known truth.

Run ``make accuracy``, or ``python -m tests.accuracy.matching``; ``--only NAME`` for some, ``--drives N`` for fewer.

Prints Markdown. Peers run in `.venv-peers`, which is made once; the streets are the centre of Helsinki, out of an
extract that one of the packages there holds.
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rules.places import Network
from tests.accuracy import contest
from tests.accuracy.contest import Case
from tests.accuracy.peers.environment import helsinki, python_of_peers
from tests.accuracy.scores import Score

PEERS: Final[Mapping[str, str]] = {"meili": "Meili", "leuven": "leuvenmapmatching", "mappy": "mappymatch"}
STEPS_S: Final = (1, 5, 15, 30, 60)
SIGMAS_M: Final = (3.0, 5.0, 10.0, 15.0)
Scores = Mapping[str, Sequence[Score]]

# The bars: found and extra where fixes are dense and good; how much worse than a peer a row may be; extra at 60 s.
_DENSE_S, _DENSE_M, _RECALL, _EXTRA = 5, 5.0, 0.99, 0.02
_WORSE, _SPARSE_S, _SPARSE_SHARE = 0.002, 60, 0.5


def main() -> None:
    """Run what is asked for and print the table."""
    options = _options()
    python = options.python or python_of_peers()
    network = contest.network_of_extract(helsinki(python))
    seed = contest.TUNING_SEED if options.setting else contest.SEED
    made = contest.driven(network, options.drives, seed)
    chosen: Sequence[str] = options.only or ["poniente", *PEERS]
    rows: list[tuple[Case, Scores]] = []
    for case in contest.cases(network, made, options.steps or STEPS_S, options.sigmas or SIGMAS_M):
        scores = {name: _scores(network, case, name, python, dict(options.setting)) for name in chosen}
        rows.append((case, scores))
        said = "  ".join(f"{name} {_cells(sum(found, Score()))}" for name, found in scores.items())
        _say(f"{case.step_s} s, {case.sigma_m:g} m: {said}")
    length_km = sum(sum(seen.truth_mm for seen in case.seen) for case, _ in rows[:1]) / 1e6
    streets_km = int(network.length_mm.sum()) / 1e6
    intro = (
        f"{len(network.segment_ids)} segments, {streets_km:.1f} km; {len(made)} drives, {length_km:.0f} km; "
        f"seeds {seed} to {seed + len(made) - 1}."
    )
    _ = sys.stdout.write("\n\n".join([intro, table(rows), bars(rows)]) + "\n")


def table(rows: Sequence[tuple[Case, Scores]]) -> str:
    """Write the table: a row for each step and error, three figures for each matcher."""
    names = [*rows[0][1]]
    heading = ["step", "error", *(f"{PEERS.get(name, name)}: recall, extra, on street" for name in names)]
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    for case, scores in rows:
        cells = [_cells(sum(scores[name], Score())) for name in names]
        lines.append("| " + " | ".join([f"{case.step_s} s", f"{case.sigma_m:g} m", *cells]) + " |")
    return "\n".join(lines)


def bars(rows: Sequence[tuple[Case, Scores]]) -> str:
    """Say which rows miss a bar, and by how much, with the standard error over drives."""
    missed: list[str] = []
    for case, scores in rows:
        if "poniente" not in scores:
            continue
        own, where = sum(scores["poniente"], Score()), f"{case.step_s} s, {case.sigma_m:g} m"
        if case.step_s <= _DENSE_S and case.sigma_m <= _DENSE_M and (own.recall < _RECALL or own.extra > _EXTRA):
            missed.append(f"- {where}: {own.recall:.4f} found, {own.extra:.4f} extra; due {_RECALL} and {_EXTRA}")
        peers = {name: sum(found, Score()) for name, found in scores.items() if name != "poniente"}
        missed += _worse(where, scores, own, peers)
        if case.step_s == _SPARSE_S and peers:
            # A peer that finds little has little that is extra: the best one is the one that finds the most.
            best = max(peers, key=lambda name: peers[name].recall)
            if own.extra > _SPARSE_SHARE * peers[best].extra:
                missed.append(f"- {where}: {own.extra:.4f} extra, more than half of {PEERS[best]}'s")
    return "Bars missed:\n\n" + ("\n".join(missed) or "none")


def _worse(where: str, scores: Scores, own: Score, peers: Mapping[str, Score]) -> list[str]:
    """Compare with the best peer in each figure."""
    found: list[str] = []
    for figure, sign, called in (("recall", 1, "recall"), ("extra", -1, "extra"), ("hit", 1, "on street")):
        best = max(peers, key=lambda name: sign * float(getattr(peers[name], figure)), default="")
        if not best:
            continue
        behind = sign * (getattr(peers[best], figure) - getattr(own, figure))
        if behind > _WORSE:
            pairs = zip(scores["poniente"], scores[best], strict=True)
            each = [getattr(one, figure) - getattr(other, figure) for one, other in pairs]
            error = statistics.stdev(each) / len(each) ** 0.5 if len(each) > 1 else 0.0
            found.append(f"- {where}: {called} behind {PEERS[best]} by {behind:.4f} (standard error {error:.4f})")
    return found


def _scores(network: Network, case: Case, name: str, python: Path, settings: Mapping[str, float]) -> list[Score]:
    if name == "poniente":
        return contest.our_scores(network, case)
    return contest.peer_scores(network, case, name, python, settings or contest.settings_of(name, case.step_s))[0]


def _cells(total: Score) -> str:
    return f"{total.recall:.4f} {total.extra:.4f} {total.hit:.3f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    add = partial(parser.add_argument, action="append")
    _ = add("--only", metavar="NAME", choices=["poniente", *PEERS], help="one matcher; may be repeated")
    _ = add("--steps", metavar="SECONDS", type=int, help="one step; may be repeated")
    _ = add("--sigmas", metavar="METRES", type=float, help="one error; may be repeated")
    _ = add("--setting", metavar="KEY=NUMBER", type=_setting, default=[], help="of a peer, on the tuning drives")
    _ = parser.add_argument("--drives", type=int, default=40, help="how many drives")
    _ = parser.add_argument("--python", type=Path, help="of another environment with the peers")
    return parser.parse_args()


def _setting(text: str) -> tuple[str, float]:
    key, _, number = text.partition("=")
    return key, float(number)


def _say(text: str) -> None:
    _ = sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
