"""Promise 12: an honest, perfect contractor is paid in full."""

import pytest

from tests.acceptance.perfect import shortfall

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("block", range(20))
def test_perfect_contractor_is_paid_in_full_when_the_seed_is_any(block: int) -> None:
    seeds = range(block * 10 + 1, block * 10 + 11)

    assert {seed: (0, []) for seed in seeds} == {seed: shortfall(seed, 2, 3) for seed in seeds}
