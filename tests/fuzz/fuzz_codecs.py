"""Fuzz every codec: whatever bytes come, they are decoded or refused, and nothing is raised.

With atheris, which follows the branches that inputs take (it is no dependency: its wheels are few and large)::

    .venv/bin/pip install atheris
    .venv/bin/python tests/fuzz/fuzz_codecs.py -max_total_time=600

The options are libFuzzer's. Without atheris the same inputs are made by chance, from good messages and frames spoilt;
a seed and a number of inputs repeat them::

    .venv/bin/python tests/fuzz/fuzz_codecs.py --inputs 200000 --seed 7

The first byte of an input says for which codec it is, so that one corpus serves all.
"""

import argparse
import importlib
import importlib.util
import random
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType

_ROOT = Path(__file__).resolve().parents[2]
if str(_ROOT) not in sys.path:  # run as a program, its own folder stands there
    sys.path.insert(0, str(_ROOT))

from ingest.accept import NATIVE, accept  # noqa: E402
from sensors.errors import FrameError  # noqa: E402
from sensors.framing import formats, frame_codecs  # noqa: E402
from sensors.registry import kinds  # noqa: E402
from tests.fuzz.mutations import forms, golden, sources, spoilt  # noqa: E402

_FRAMES = _ROOT / "tests" / "cases" / "frames"
# Enough for a minute or so; the first hundred thousand find what chance finds.
INPUTS = 200_000
_NATIVE_TOPICS = [f"poniente/v1/city/any-1/{kind}" for kind in kinds()]
_SOURCES = {"native": NATIVE, **sources()}
_FORMATS, _CODECS = sorted(formats()), sorted(frame_codecs())


def one_input(data: bytes) -> None:
    """Let one input be decoded by the codec that its first byte names.

    Raises
    ------
    AssertionError
        When nothing is said about a message. What a codec raises besides is what is looked for.
    """
    if len(data) < 2:  # which, and of what
        return
    place, port, rest = data[0] % (len(_FORMATS) + len(_CODECS)), data[1], data[2:]
    if place < len(_FORMATS):
        form = _FORMATS[place]
        topic = golden(form)[0] if form != "native" else _NATIVE_TOPICS[port % len(_NATIVE_TOPICS)]
        decoded = accept(_SOURCES[form], topic, rest)
        is_empty_list = b"[" in rest  # a list of nothing holds nothing
        assert decoded.readings or decoded.rejections or decoded.simulated or is_empty_list, "nothing is said"
        return
    with suppress(FrameError):
        frame_codecs()[_CODECS[place - len(_FORMATS)]](port, rest)


def seeds() -> Iterator[bytes]:
    """Give a good input of each codec, for a corpus to begin with."""
    for form in forms():
        yield bytes([_FORMATS.index(form), 0]) + golden(form)[1]
    for codec in _CODECS:
        for case in tomllib.loads((_FRAMES / f"{codec}.toml").read_text(encoding="utf-8"))["frames"]:
            yield bytes([len(_FORMATS) + _CODECS.index(codec), case["port"]]) + bytes.fromhex(case["hex"])


def by_chance(inputs: int, seed: int) -> int:
    """Decode spoilt messages and frames; returns how many."""
    chance = random.Random(seed)  # noqa: S311  # not a secret
    good = list(seeds())
    for _ in range(inputs):
        one = chance.choice(good)
        is_message = one[0] < len(_FORMATS)
        rest = spoilt(chance, one[2:]) if is_message else _spoilt_frame(chance, one[2:])
        port = one[1] if chance.random() < 0.8 else chance.randrange(256)
        data = bytes([one[0], port]) + rest
        try:
            one_input(data)
        except Exception:
            sys.stderr.write(f"found by seed {seed}: {data.hex()}\n")
            raise
    return inputs


def _spoilt_frame(chance: random.Random, frame: bytes) -> bytes:
    changed = bytearray(frame)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(changed) + 1)
        changed[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(changed)


def _our_functions() -> Iterator[FunctionType]:
    for name, module in list(sys.modules.items()):
        if name.startswith("sensors.") or name == accept.__module__:
            for one in vars(module).values():
                if isinstance(one, FunctionType) and one.__module__ == name:
                    yield one


def _follow_branches(arguments: list[str]) -> None:
    """Hand over to atheris, with a corpus of good inputs."""
    # By name: it may not be there, and has no types.
    atheris = importlib.import_module("atheris")
    corpus = Path(tempfile.mkdtemp(prefix="poniente-fuzz-"))
    for place, one in enumerate(seeds()):
        (corpus / f"good-{place}").write_bytes(one)
    # In place, and ours alone: all of Python's own would take minutes, and is not what is fuzzed.
    for one in _our_functions():
        atheris.instrument_func(one)
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one_input)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz with atheris where it is, and by chance where it is not, or where `--inputs` asks for it."""
    if importlib.util.find_spec("atheris") and "--inputs" not in arguments:
        _follow_branches(arguments)
        return 0
    parser = argparse.ArgumentParser(description="Spoilt messages and frames, by chance.")
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=20260905)
    said, _ = parser.parse_known_args(arguments)
    count = by_chance(said.inputs, said.seed)
    sys.stdout.write(f"{count} inputs by seed {said.seed}: each decoded or refused\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
