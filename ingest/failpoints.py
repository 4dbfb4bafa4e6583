"""Places where a test lets a worker die, to show that nothing is lost or doubled there.

`PONIENTE_FAILPOINT=after_commit` ends the process as `kill -9` would, the first time it gets there;
`after_commit:3` the third time. Without the variable a failpoint is one comparison.
"""

import os
from collections.abc import Callable

VARIABLE = "PONIENTE_FAILPOINT"
# What a shell says of a process that was killed: 128 and SIGKILL.
KILLED = 137
NAMES = (
    "received",
    "decoded",
    "before_readings",
    "after_readings",
    "before_commit",
    "after_commit",
    "during_acknowledgement",
    "after_acknowledgement",
    "during_receipt",
    "after_receipt",
)


def failpoints() -> Callable[[str], None]:
    """Give the function that is told of each step: it ends the process at the one that the environment names."""
    wanted, _, times = os.environ.get(VARIABLE, "").partition(":")
    if not wanted:
        return lambda _step: None
    left = int(times or 1)

    def at(step: str) -> None:
        nonlocal left
        if step == wanted:
            left -= 1
            if left == 0:
                os._exit(KILLED)

    return at
