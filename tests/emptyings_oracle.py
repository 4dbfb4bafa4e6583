"""The obvious version of `kernels.emptyings`, written from the definitions: slow, in plain Python, without arrays."""

from collections.abc import Sequence
from statistics import median_low

Ints = Sequence[int]
EMPTIED, PARTIAL, DRAINED, REHUNG = 1, 2, 3, 4
NONE, HIDDEN, SURE = 0, 1, 2


def screen(
    t_us: Ints, lo_ppm: Ints, hi_ppm: Ints, reach: int, within_us: int, jump_ppm: int
) -> tuple[list[int], list[int]]:
    """Widen the samples that lie off both their sides."""
    level = [low + high for low, high in zip(lo_ppm, hi_ppm, strict=True)]
    lows, highs = list(lo_ppm), list(hi_ppm)
    for at, t in enumerate(t_us):
        before = [level[k] for k in range(max(0, at - reach), at) if t - t_us[k] <= within_us]
        after = [level[k] for k in range(at + 1, min(len(t_us), at + reach + 1)) if t_us[k] - t <= within_us]
        if not before or not after:
            continue
        medians = sorted([median_low(before), median_low(after)])
        is_off = level[at] > medians[1] + 2 * jump_ppm or level[at] < medians[0] - 2 * jump_ppm
        if is_off:
            lows[at] = min(lows[at], medians[0] // 2)
            highs[at] = max(highs[at], (medians[1] + 1) // 2)
    return lows, highs


def agreeing(level: Ints, at: int, reach: int, drop_ppm: int) -> tuple[int, int]:
    """Count the pairs around an edge that fall by half the drop, and all of them."""
    pairs = [(one, two) for one in level[max(0, at - reach) : at] for two in level[at : at + reach]]
    return sum(one - two >= drop_ppm for one, two in pairs), len(pairs)


def detect(  # noqa: PLR0917  # the kernel's own order
    t_us: Ints,
    lo_ppm: Ints,
    hi_ppm: Ints,
    drop_ppm: int,
    residual_ppm: int,
    reach: int,
    quick_us: int,
    share_ppm: int,
) -> list[tuple[int, int, int, int, int, int]]:
    """Find falls that stay: first, last, fall, floor, confidence, code of each."""
    tells = [at for at in range(len(t_us)) if hi_ppm[at] - lo_ppm[at] <= drop_ppm]
    level = [lo_ppm[at] + hi_ppm[at] for at in tells]

    def passes(at: int) -> bool:
        pairs, asked = agreeing(level, at, reach, drop_ppm)
        return 2 * (level[at - 1] - level[at]) >= drop_ppm and pairs * 1_000_000 > share_ppm * asked

    groups: list[list[int]] = []
    for at in range(1, len(level)):
        if passes(at):
            if not groups or groups[-1][-1] != at - 1:
                groups.append([])
            groups[-1].append(at)
    found: list[tuple[int, int, int, int, int, int]] = []
    for edges in groups:
        first, last = edges[0] - 1, edges[-1]
        fall = level[first] - level[last]
        if fall < 2 * drop_ppm:
            continue
        steepest = max(level[at - 1] - level[at] for at in edges)
        is_slow = t_us[tells[last]] - t_us[tells[first]] > quick_us and 2 * steepest < fall
        code = DRAINED if is_slow else EMPTIED if level[last] <= 2 * residual_ppm else PARTIAL
        confidence = max(agreeing(level, at, reach, drop_ppm)[0] for at in edges) * 1_000_000 // reach**2
        found.append((tells[first], tells[last], fall // 2, level[last] // 2, confidence, code))
    return found


def floors(  # noqa: C901  # two turns over all events, as the definition goes
    code: Ints, fall_ppm: Ints, floor_ppm: Ints, jump_ppm: int
) -> tuple[list[int], list[int]]:
    """Find where the floor of emptyings changed: codes, and shifts."""
    judged, shifts = list(code), [0] * len(code)

    def side(events: Ints) -> list[int]:
        known: list[int] = []
        for at in events:
            if judged[at] == REHUNG:
                break
            if judged[at] in {EMPTIED, PARTIAL}:
                known.append(floor_ppm[at])
        return known[:3]

    for turn in (1, 2):
        for at in range(len(judged)):
            before, after = side(range(at - 1, -1, -1)), side(range(at + 1, len(judged)))
            if judged[at] not in {EMPTIED, PARTIAL} or len(before) < 2 or len(after) < 2:
                continue
            after += [floor_ppm[at]] if turn == 2 else []
            shift = median_low(after) - median_low(before)
            is_even = all(max(one) - min(one) < jump_ppm for one in (before, after))
            if is_even and abs(shift) >= jump_ppm:
                if turn == 2:
                    shifts[at] = shift
                elif abs(-shift - fall_ppm[at]) < jump_ppm:
                    judged[at] = REHUNG
    return judged, shifts


def confirm(kind: Ints, found: Sequence[tuple[int, int]]) -> list[int]:
    """Leave sure what lies inside an emptying that was found, as first and last sample."""
    told = list(kind)
    for at in range(1, len(kind) - 1):
        is_inside = any(first < at <= last for first, last in found)
        if (kind[at] == SURE and not is_inside) or (kind[at] == NONE and is_inside):
            told[at] = HIDDEN
    return told
