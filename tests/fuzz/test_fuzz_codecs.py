"""The fuzz target itself: it reaches every codec, and a bounded number of spoilt inputs raises nothing."""

from sensors.framing import formats, frame_codecs
from tests.fuzz import fuzz_codecs
from tests.fuzz.mutations import forms


def test_every_codec_is_fuzzed_when_seeds_are_made() -> None:
    assert sorted(formats()) == sorted(forms())
    assert len(formats()) + len(frame_codecs()) == len({one[0] for one in fuzz_codecs.seeds()})


def test_nothing_is_raised_when_messages_and_frames_are_spoilt() -> None:
    assert 20_000 == fuzz_codecs.by_chance(20_000, seed=20260905)
