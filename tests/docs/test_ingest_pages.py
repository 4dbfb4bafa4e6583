"""`docs/ingest.md` as somebody would follow it: its sources load, and each of its lines ends in the database."""

import re
from pathlib import Path

import pytest

from app.local.broker import LocalMosquitto
from ingest.accept import accept, source_of
from ingest.publisher import publish
from ingest.sources import read_sources, subscriptions
from ingest.worker import Options
from sensors.framing import formats, frame_codecs
from sensors.readings import Clock
from tests.deploy.shipped import running
from tests.docs.fenced import blocks, published
from tests.docs.pages import page
from tests.house.sources import ROOT, assert_none
from tests.ingest.rig import CLIENT_ID, broker_of, make_session, watching

_INGEST, _PROMISES = page("ingest.md"), page("ingest-promises.md")
_SOURCES = read_sources("\n".join(blocks(_INGEST, "toml")))
_LINES = list(published(_INGEST))


def test_sources_when_each_format_is_looked_up() -> None:
    assert {*formats(), "native"} == {source.format for source in _SOURCES} | {"native"}


@pytest.mark.parametrize(("topic", "payload"), _LINES)
def test_line_when_decoded(topic: str, payload: bytes) -> None:
    decoded = accept(source_of(_SOURCES, topic), topic, payload)
    assert (1, []) == (len(decoded.readings), decoded.rejections)
    assert Clock.DISAGREES > decoded.readings[0].clock


def test_lines_when_published(embedded_database: str, mosquitto_binary: Path, server_folder: Path) -> None:
    with LocalMosquitto(mosquitto_binary, server_folder / "mosquitto") as server:
        broker = broker_of(server)
        options = Options(CLIENT_ID, sources=_SOURCES)
        make_session(broker)
        with watching(embedded_database) as watch, running(embedded_database, broker, options):
            # The native ones tell that the subscription is there: make_session knows no other.
            publish(broker, [line for line in _LINES if line[0].startswith("poniente/")])
            watch.wait_for(accepted=1)
            publish(broker, [line for line in _LINES if not line[0].startswith("poniente/")])
            watch.wait_for(accepted=len(_LINES))
            assert {"accepted": len(_LINES)} == watch.readings()


def test_outcomes_when_a_line_is_published_again_and_changed(
    embedded_database: str, mosquitto_binary: Path, server_folder: Path
) -> None:
    ((topic, payload),) = published(_PROMISES)
    other = payload.replace(b'"distance_mm":640', b'"distance_mm":641')
    with LocalMosquitto(mosquitto_binary, server_folder / "mosquitto") as server:
        broker = broker_of(server)
        make_session(broker)
        with watching(embedded_database) as watch, running(embedded_database, broker, Options(CLIENT_ID)):
            publish(broker, [(topic, payload), (topic, payload), (topic, other)])
            watch.wait_for(accepted=1, duplicate=1, conflict=1)
    local = payload.replace(b"22:00:00Z", b"22:30:00")
    (rejection,) = accept(source_of((), topic), topic, local).rejections
    said = " ".join(_PROMISES.split())
    assert f'the reason is `{rejection.reason}`, the detail "{rejection.detail}"' in said


def test_codecs_when_looked_up() -> None:
    listed = re.findall(r"^\| `(\w+)` \| [A-Z][^|]* \| (?:[0-9]+|any) \|", _INGEST, re.MULTILINE)
    assert list(frame_codecs()) == sorted(listed)
    assert_none(name for name in listed if not (ROOT / "tests" / "cases" / "frames" / f"{name}.toml").is_file())


def test_flags_when_looked_up() -> None:
    listed = re.findall(r"^\| ([a-z ]+) \| (\d) \|", _PROMISES, re.MULTILINE)
    assert [(one.name.lower().replace("_", " "), str(one.value)) for one in Clock] == listed


def test_topics_when_the_shipped_acl_is_read() -> None:
    acl = (ROOT / "deploy" / "mosquitto" / "acl").read_text(encoding="utf-8")
    workers = [entry for entry in acl.split("\nuser ") if entry.startswith("poniente-ingest")]
    assert 2 == len(workers)
    wanted = [f"topic read {one}\n" for one in subscriptions(_SOURCES)]
    assert_none(line for entry in workers for line in wanted if line not in entry)
