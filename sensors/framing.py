"""What a frame's codec gives back, and how codecs are found by name.

A codec is a module of `sensors.frames` with `decode(port, frame)`. It knows one family of devices: which ports and
lengths there are, and what each byte means. A frame that is not exactly of its layout raises `FrameError`; nothing is
guessed. It gives values as the device said them, in the units of messages.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.readings import NO_TIME_US, Decoded, Kind
from sensors.sources import Source


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation that stands in a frame.

    Parameters
    ----------
    said : mapping of str to float
        By the names used in messages, in their units.
    device_us : int
        The device's clock at the observation, of devices that keep history; `NO_TIME_US` for "now". [us since 1970]
    kind : Kind
    """

    said: Mapping[str, float]
    device_us: int = NO_TIME_US
    kind: Kind = FILL_LEVEL


FrameCodec: TypeAlias = Callable[[int, bytes], list[Observation]]
# Source, topic, payload.
Codec: TypeAlias = Callable[[Source, str, bytes], Decoded]


@cache
def frame_codecs() -> Mapping[str, FrameCodec]:
    """All codecs of frames by name: every module of `sensors.frames`."""
    return {name: module.decode for name, module in _modules("sensors.frames")}


@cache
def formats() -> Mapping[str, Codec]:
    """All formats of messages by name: every module of `sensors.codecs`."""
    return {name: module.decode for name, module in _modules("sensors.codecs")}


def _modules(package: str) -> Iterator[tuple[str, Any]]:
    """Give the modules of a package by name. By name too is the package: its modules import this one."""
    path = importlib.import_module(package).__path__
    for name in sorted(one.name for one in pkgutil.iter_modules(path)):
        yield name, importlib.import_module(f"{package}.{name}")
