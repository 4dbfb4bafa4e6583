"""`deploy/systemd`: what the unit promises of stopping and starting, and that its settings are settings."""

import re
from configparser import ConfigParser

from app.settings import Settings
from tests.house.sources import ROOT, assert_none

_FOLDER = ROOT / "deploy" / "systemd"
# The worker drains for so long at most, and then still has to let go of its servers. [s]
_DRAIN_S = 10


def _service() -> dict[str, str]:
    # Some keys stand there more than once. Names are read in small letters.
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read(_FOLDER / "poniente-ingest.service", encoding="utf-8")
    return dict(unit["Service"])


def test_unit_when_read() -> None:
    service = _service()
    assert ("always", "SIGTERM", "poniente") == (service["restart"], service["killsignal"], service["user"])
    assert service["execstart"].endswith("/bin/poniente ingest")
    assert int(service["timeoutstopsec"]) > _DRAIN_S
    assert "/etc/poniente/%N.env" == service["environmentfile"]


def test_settings_when_looked_up() -> None:
    said = re.findall(r"\bPONIENTE_([A-Z_]+)=", (_FOLDER / "poniente-ingest.env").read_text(encoding="utf-8"))
    assert {"DATABASE", "BROKER_CA_FILE", "SHARE"} <= set(said)
    assert_none(name for name in said if name.lower() not in Settings.model_fields)
