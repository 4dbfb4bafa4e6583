"""Kernels, compiled ahead of need in a process of their own.

After an installation that takes a quarter of a minute on one core; a program that will need them has other things to
do first.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def warming() -> Generator[None]:
    """Compile in the background."""
    process = subprocess.Popen([sys.executable, "-c", "from kernels.warm import warm; warm()"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()
