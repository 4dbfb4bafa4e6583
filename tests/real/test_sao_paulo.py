"""Five logged paths in São Paulo through the matcher: out come the streets that the logs' makers say."""

import hashlib
from pathlib import Path

import pytest

from rules import traversals
from rules.places import Network, read_network
from tests.real import sao_paulo

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FOLDER = DATA / "map_matching_alpha"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sibling folder shared/data is not there")


def network() -> Network:
    found = read_network(sao_paulo.segments(FOLDER), [])
    assert found is not None
    return found


def driven(log: sao_paulo.Log, accuracy_m: int) -> tuple[int, ...]:
    is_turned = sao_paulo.is_turned(FOLDER)
    steps = traversals.path(network(), sao_paulo.fixes(log, accuracy_m), sao_paulo.MAX_GAP_US)
    return tuple(int(name) * direction * (-1 if is_turned[name] else 1) for name, direction in steps)


def test_network_when_read() -> None:
    found = network()
    assert (38, 25) == (len(found.segment_ids), found.adjacency[0].size - 1)
    assert {"15", "16", "31", "32", "33", "34", "35", "36"} == {
        name for name, is_oneway in zip(found.segment_ids, found.is_oneway, strict=True) if not is_oneway
    }


@pytest.mark.parametrize("name", range(5))
def test_path_when_matched(name: int) -> None:
    log = sao_paulo.logs(FOLDER)[name]
    assert log.expected == driven(log, sao_paulo.ACCURACY_M)


@pytest.mark.parametrize("accuracy_m", [1, 5, 10, 20, 30])
def test_path_when_fixes_promise_more(accuracy_m: int) -> None:
    # Log 3 misses its streets by more than such receivers may be believed.
    exact = [log for log in sao_paulo.logs(FOLDER) if log.name != 3]
    assert [log.expected for log in exact] == [driven(log, accuracy_m) for log in exact]


def test_traversals_when_repeated() -> None:
    def digest() -> str:
        found = [
            traversals.traverse(network(), sao_paulo.fixes(log), sao_paulo.MAX_GAP_US)
            for log in sao_paulo.logs(FOLDER)
        ]
        columns = [getattr(one, name).tobytes() for one in found for name in type(one).__slots__]
        return hashlib.sha256(b"".join(columns)).hexdigest()

    assert digest() == digest()
