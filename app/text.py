"""All prose for people: English sentences in code, Spanish and Portuguese in `app/locale`, figures by Babel.

What is worded here has codes and numbers elsewhere; nothing here decides anything. This is the door: the sentences
stand in `app/wording`, which nobody else imports.
"""

from app.wording.catalogue import LANGUAGES, Language
from app.wording.figures import amount, count, day, duration, instant, month, share
from app.wording.findings import finding_text
from app.wording.lines import remedy, sentence
from app.wording.names import (
    WORDS,
    block_name,
    cause_name,
    line_name,
    nature_name,
    outcome_name,
    state_name,
    verdict_name,
    word,
)

__all__ = [
    "LANGUAGES",
    "WORDS",
    "Language",
    "amount",
    "block_name",
    "cause_name",
    "count",
    "day",
    "duration",
    "finding_text",
    "instant",
    "line_name",
    "month",
    "nature_name",
    "outcome_name",
    "remedy",
    "sentence",
    "share",
    "state_name",
    "verdict_name",
    "word",
]
