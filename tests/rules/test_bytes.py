"""The same month gives the same bytes in another process, time zone, locale and order of hashes."""

import os
import subprocess
import sys

import pytest

from tests.rules.month import statement


@pytest.mark.parametrize(
    ("zone", "locale", "seed"), [("Pacific/Kiritimati", "C", "1"), ("America/Santiago", "tr_TR.UTF-8", "2")]
)
def test_month_is_the_same_bytes_when_another_process_computes_it(zone: str, locale: str, seed: str) -> None:
    env = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "tests.rules.month"]
    found = subprocess.run(command, env=env, capture_output=True, check=True, timeout=100)
    assert statement().encode() == found.stdout
