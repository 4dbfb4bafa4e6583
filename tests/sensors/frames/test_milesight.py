"""Milesight: rows of channels in any order, and as many kept observations as a frame holds."""

import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sensors.errors import FrameError
from sensors.frames import milesight_em310, milesight_em400, milesight_em500
from sensors.frames.milesight_em310 import NO_DISTANCE
from sensors.uplinks import FRAME_BYTES_MAX

_CHANNELS = [bytes.fromhex(one) for one in ("01755C", "0367C300", "04828002", "050001")]
_KEPT_BYTES = 8


@given(st.permutations(_CHANNELS))
def test_observation_is_the_same_when_channels_come_in_any_order(channels: list[bytes]) -> None:
    (observation,) = milesight_em400.decode(85, b"".join(channels))
    assert {"battery_pct": 92, "temperature_degc": 19.5, "distance_mm": 640, "tilted": 1} == observation.said


@pytest.mark.parametrize("channel", _CHANNELS, ids=lambda channel: channel.hex())
def test_frame_is_refused_when_a_channel_comes_twice(channel: bytes) -> None:
    with pytest.raises(FrameError, match="a second time"):
        milesight_em400.decode(85, b"".join(_CHANNELS) + channel)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)), min_size=1, max_size=30))
def test_every_kept_observation_is_given_in_order_when_a_frame_is_full(kept: list[tuple[int, int]]) -> None:
    frame = b"".join(b"\x20\xce" + struct.pack("<IH", *one) for one in kept)
    observations = milesight_em500.decode(85, frame)
    expected = [
        (unix_s * 1_000_000, {"quality": 1} if raw in NO_DISTANCE else {"distance_mm": raw}) for unix_s, raw in kept
    ]
    assert expected == [(one.device_us, one.said) for one in observations]


def test_frames_hold_thirty_kept_observations_when_they_are_longest() -> None:
    assert 30 == FRAME_BYTES_MAX // _KEPT_BYTES


@given(st.integers(-(2**15), 2**15 - 1))
def test_temperature_keeps_its_sign_when_it_is_any(tenths: int) -> None:
    (observation,) = milesight_em400.decode(85, b"\x03\x67" + tenths.to_bytes(2, "little", signed=True))
    assert {"temperature_degc": tenths / 10} == observation.said


@given(st.integers(0, 2**16 - 1))
def test_only_the_alarm_divides_when_the_same_bytes_are_a_distance(raw: int) -> None:
    data = raw.to_bytes(2, "little")
    (now,) = milesight_em310.decode(85, b"\x03\x82" + data)
    (alarm,) = milesight_em500.decode(85, b"\x83\xe9" + data + b"\0\0\0")
    expected: list[dict[str, float]] = (
        [{"quality": 1}, {"quality": 1, "alarm": 0}]
        if raw in NO_DISTANCE
        else [{"distance_mm": raw}, {"distance_mm": raw / 10, "alarm": 0}]
    )
    assert expected == [now.said, alarm.said]


@given(st.binary(min_size=2, max_size=2), st.binary(min_size=16, max_size=16))
def test_channel_is_refused_when_its_two_bytes_are_not_of_the_layout(head: bytes, data: bytes) -> None:
    assume(head not in (b"\x01\x75", b"\x03\x82", b"\x04\x00"))
    with pytest.raises(FrameError, match="none of this device's measurements"):
        milesight_em310.decode(85, head + data)
