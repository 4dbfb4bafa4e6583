"""Golden frames of every codec: what each says, which are refused; a codec without a file of them fails."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.errors import FrameError
from sensors.framing import Observation, frame_codecs
from sensors.readings import NO_TIME_US

_CASES = Path(__file__).parents[2] / "cases" / "frames"
_CODECS = list(frame_codecs())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _golden(codec: str) -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((_CASES / f"{codec}.toml").read_text(encoding="utf-8"))


def _cases(part: str) -> list[Any]:
    return [
        pytest.param(codec, case, id=f"{codec}: {case['what']}") for codec in _CODECS for case in _golden(codec)[part]
    ]


def _decode(codec: str, port: int, frame: bytes) -> list[Observation]:
    return frame_codecs()[codec](port, frame)


def _expected(observation: dict[str, Any]) -> tuple[int, dict[str, float]]:
    said = dict(observation)
    time = said.pop("device_time", None)
    return (NO_TIME_US if time is None else (time - _EPOCH) // timedelta(microseconds=1)), said


def test_every_codec_has_golden_frames_when_listed() -> None:
    assert sorted(path.stem for path in _CASES.glob("*.toml")) == _CODECS


@pytest.mark.parametrize("codec", _CODECS)
def test_golden_file_holds_good_and_bad_frames_when_read(codec: str) -> None:
    golden = _golden(codec)
    assert {"frames": True, "refused": True} == {part: len(golden[part]) > 1 for part in golden}


@pytest.mark.parametrize(("codec", "case"), _cases("frames"))
def test_frame_says_what_is_written_when_decoded(codec: str, case: dict[str, Any]) -> None:
    observations = _decode(codec, case["port"], bytes.fromhex(case["hex"]))
    assert [_expected(one) for one in case["observations"]] == [(one.device_us, one.said) for one in observations]


@pytest.mark.parametrize(("codec", "case"), _cases("frames"))
def test_said_names_are_of_their_kind_when_decoded(codec: str, case: dict[str, Any]) -> None:
    for one in _decode(codec, case["port"], bytes.fromhex(case["hex"])):
        assert set() == set(one.said) - {quantity.said for quantity in one.kind.quantities}


@pytest.mark.parametrize(("codec", "case"), _cases("refused"))
def test_frame_is_refused_when_it_is_of_another_layout(codec: str, case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        _decode(codec, case["port"], bytes.fromhex(case["hex"]))


@pytest.mark.parametrize(("codec", "case"), _cases("frames"))
def test_frame_is_refused_or_ends_between_channels_when_it_is_cut_anywhere(codec: str, case: dict[str, Any]) -> None:
    frame = bytes.fromhex(case["hex"])
    whole = _decode(codec, case["port"], frame)
    said = {(one.device_us, name) for one in whole for name in one.said}
    for length in range(len(frame)):
        try:
            observations = _decode(codec, case["port"], frame[:length])
        except FrameError:
            continue
        # What is left of a row of channels is a shorter row; no fixed layout has one.
        left = {(one.device_us, name) for one in observations for name in one.said}
        assert (True, True) == (codec.startswith("milesight"), left < said)


@pytest.mark.parametrize("codec", _CODECS)
@pytest.mark.parametrize("port", [1, 2, 6, 85])
def test_empty_frame_is_refused_when_at_any_port(codec: str, port: int) -> None:
    with pytest.raises(FrameError):
        _decode(codec, port, b"")


@pytest.mark.parametrize("codec", _CODECS)
@given(port=st.sampled_from([0, 1, 2, 6, 85, 255]) | st.integers(), frame=st.binary(max_size=300))
def test_observations_or_a_frame_error_when_any_bytes_come(codec: str, port: int, frame: bytes) -> None:
    _holds(codec, port, frame)


@pytest.mark.parametrize(("codec", "case"), _cases("frames"))
@given(data=st.data())
def test_observations_or_a_frame_error_when_bytes_of_a_good_frame_change(
    codec: str, case: dict[str, Any], data: st.DataObject
) -> None:
    frame = bytearray.fromhex(case["hex"])
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    _holds(codec, case["port"], bytes(frame))


def _holds(codec: str, port: int, frame: bytes) -> None:
    try:
        observations = _decode(codec, port, frame)
    except FrameError:
        return
    assert observations
    for one in observations:
        assert one.said
        assert set(one.said) <= {quantity.said for quantity in one.kind.quantities}
