"""`deploy/prometheus/alerts.yml`: its form, and that what it asks for is what a worker says."""

import re
from collections import Counter
from urllib.request import urlopen

from app.local.server import free_port
from app.metrics import serve
from ingest.worker import Tally
from tests.house.sources import ROOT, assert_none

_TEXT = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
_HEAD = ["groups:", "  - name: poniente-ingest", "    rules:"]
# One rule, line by line: the file keeps to this, so that it can be held against it without a reader of YAML. All that
# could mean something in YAML stands in single quotes.
_RULE = re.compile(
    r"      - alert: (?P<alert>[A-Z][A-Za-z]+)\n"
    r"        expr: '(?P<expr>[^'\n]+)'\n"
    r"(?:        for: [0-9]+[mh]\n)?"
    r"        labels:\n"
    r"          severity: (?:critical|warning)\n"
    r"        annotations:\n"
    r"          summary: '[^'\n]+\.'\n"
    r"          description: '[^'\n]+\.'\n"
)
_LINES = [line for line in _TEXT.splitlines() if line.strip() and not line.lstrip().startswith("#")]
_RULES = list(_RULE.finditer("".join(f"{line}\n" for line in _LINES)))


def test_file_when_read_line_by_line() -> None:
    assert _HEAD == _LINES[: len(_HEAD)]
    assert "".join(f"{line}\n" for line in _LINES[len(_HEAD) :]) == "".join(rule[0] for rule in _RULES)


def test_rules_when_counted() -> None:
    names = [rule["alert"] for rule in _RULES]
    assert (7, 7) == (len(names), len(set(names)))


def test_expressions_when_their_brackets_are_counted() -> None:
    for opening, closing in ("()", "[]", "{}"):
        assert_none(rule["alert"] for rule in _RULES if rule["expr"].count(opening) != rule["expr"].count(closing))


def test_metrics_when_a_worker_is_asked() -> None:
    port = free_port()
    serve(port, Tally(readings=Counter(accepted=3, conflict=1, rejected=1)))
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        said = answer.read().decode()
    asked = {one for rule in _RULES for one in re.findall(r"poniente_\w+(?:\{[^}]*\})?", rule["expr"])}
    given = set(re.findall(r"^(poniente_\w+(?:\{[^}]*\})?) ", said, re.MULTILINE))
    assert_none(asked - given - {one.partition("{")[0] for one in given})
