"""Observations of the OGC SensorThings API, one a message, as a server or a device publishes them.

Of an observation are used::

    {"phenomenonTime": "2026-09-05T22:14:03Z", "resultTime": "2026-09-05T22:14:04Z", "result": 640,
     "resultQuality": {"code": 4, "scheme": "LwM2M-6042"}, "Datastream": {"@iot.id": 417},
     "parameters": {"fcnt": 1532}}

The datastream is the device: the number or text of its `@iot.id`, or where the message does not name it, that of a
topic that ends in `Datastreams(417)/Observations`. Where both name one it must be the same.

`phenomenonTime` is the observation, of an interval `a/b` its end; `resultTime` is the network's time. A quality
counts only under the scheme `LwM2M-6042`; others are other codes and not read. The sequence is `parameters.fcnt`, or
`parameters.sequence`.

What a result means no observation says. The source does, as the `codec` of the device or of the source: `distance_mm`
(where nothing is declared), `fill_ratio`, `fill_pct` (percent of full, kept as a ratio), or another of `RESULTS`. A
result that is no fill level by itself, a temperature alone, cannot be a reading.
"""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from sensors.kinds.fill_level import KIND
from sensors.making import Fault, Times, device_of, make, microseconds, refused
from sensors.readings import Decoded, Reading, Reason, Rejection
from sensors.sources import Device, Source
from sensors.topics import is_part, normal_device

_DEFAULT = "distance_mm"
_PERCENT, _RATIO = "fill_pct", "fill_ratio"
# What a result alone can say: what one value of satisfies all that the kind must say, and percents.
RESULTS = (*(one.said for one in KIND.quantities if all(one.name in group for group in KIND.needs)), _PERCENT)
_SCHEME = "LwM2M-6042"
_TOPIC = re.compile(r"(?:.*/)?Datastreams\((?:'([^']+)'|([^()']+))\)/Observations", re.DOTALL)
# What fits into a column, and what every JSON writer keeps exact.
_NUMBER_MAX, _SEQUENCE_MAX = 2**63 - 1, 2**53

_Counter = Annotated[int, msgspec.Meta(ge=0, le=_SEQUENCE_MAX)] | None


class _Datastream(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=0, le=_NUMBER_MAX)] | str | None = msgspec.field(name="@iot.id", default=None)


class _Parameters(msgspec.Struct):
    fcnt: _Counter = None
    sequence: _Counter = None


class _Quality(msgspec.Struct):
    code: float
    scheme: str


class _Observation(msgspec.Struct, rename="camel"):
    result: float | None = None
    phenomenon_time: str | None = None
    result_time: str | None = None
    result_quality: msgspec.Raw = msgspec.Raw(b"null")
    datastream: _Datastream | None = msgspec.field(name="Datastream", default=None)
    parameters: _Parameters | None = None


_observation_decoder = msgspec.json.Decoder(_Observation)
_quality_decoder = msgspec.json.Decoder(_Quality)


def decode(source: Source, topic: str, payload: bytes) -> Decoded:
    """Decode one observation."""
    who = (source.name, "")
    try:
        observation = _observation_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(Reason.PAYLOAD_MALFORMED, str(error), who)
    said = observation.datastream.id if observation.datastream else None
    by_message, by_topic = "" if said is None else normal_device(str(said)), _of_topic(topic)
    if by_message and by_topic and by_message != by_topic:
        detail = f"datastream {by_message!r} is published on the topic of datastream {by_topic!r}"
        return refused(Reason.PAYLOAD_MALFORMED, detail, who)
    named = by_message or by_topic
    if not named:
        return refused(Reason.DEVICE_UNKNOWN, "neither Datastream.@iot.id nor the topic names a datastream", who)
    device = device_of(source, named)
    if device is None:
        who = (source.name, named if is_part(named) else "")
        return refused(Reason.DEVICE_UNKNOWN, "the source declares no such device", who)
    made = _reading(source, device, observation)
    if isinstance(made, Fault):
        return Decoded([], [Rejection(made.reason, made.detail, 0, source.name, device.name)])
    return Decoded([made], [])


def instant_of(source: Source, name: str, text: str | None) -> tuple[int, bool] | Fault:
    """Read an instant, or a local time where the source declares its zone.

    Returns
    -------
    int
        `NO_TIME_US` of None. [us since 1970, UTC]
    bool
        Whether it is a local time of the hour that comes twice.
    """
    try:
        instant = None if text is None else msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return Fault(Reason.READING_MALFORMED, f"{name} is no time as RFC 3339 writes it")
    if instant is not None and instant.tzinfo is None and source.zone is None:
        return Fault(Reason.READING_MALFORMED, f"{name} has no offset, and {source.name} no time zone")
    return microseconds(instant, source.zone)


def _of_topic(topic: str) -> str:
    found = _TOPIC.fullmatch(topic)
    return normal_device(found.group(1) or found.group(2)) if found else ""


def _reading(source: Source, device: Device, observation: _Observation) -> Reading | Fault:
    meaning = device.codec or _DEFAULT
    if meaning not in RESULTS:
        return Fault(
            Reason.READING_MALFORMED, f"result is declared as {meaning}, which is none of {', '.join(RESULTS)}"
        )
    # The end of an interval: what it says holds then, and of an average it is when it was known.
    phenomenon = observation.phenomenon_time and observation.phenomenon_time.rpartition("/")[2]
    observed = instant_of(source, "phenomenonTime", phenomenon)
    received = instant_of(source, "resultTime", observation.result_time)
    if isinstance(observed, Fault):
        return observed
    if isinstance(received, Fault):
        return received
    times = Times(observed[0], received[0], is_doubtful=observed[1] or received[1])
    result, parameters = observation.result, observation.parameters or _Parameters()
    if meaning == _PERCENT and result is not None:
        meaning, result = _RATIO, result / 100
    counted = parameters.sequence if parameters.fcnt is None else parameters.fcnt
    said = {meaning: result, "quality": _quality(observation.result_quality)}
    return make(KIND, (source.name, device.name), times, said, sequence=counted or 0)


def _quality(said: msgspec.Raw) -> float | None:
    try:
        quality = _quality_decoder.decode(said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # the standard leaves open what a quality looks like
    return quality.code if quality.scheme == _SCHEME else None
