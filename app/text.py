"""All prose for people: English sentences in code, Spanish and Portuguese in `app/locale`, figures by Babel.

What is worded here has codes and numbers elsewhere; nothing here decides anything. This is the door: the sentences
stand in `app/wording`, which nobody else imports.
"""

from app.wording.bundles import (
    bundle_word,
    check_name,
    difference_text,
    differences_told,
    file_state,
    result_name,
)
from app.wording.catalogue import LANGUAGES, Language
from app.wording.figures import amount, bound, count, day, duration, instant, length, month, quantity, share
from app.wording.findings import finding_text, readings_text
from app.wording.lines import sentence
from app.wording.names import (
    WORDS,
    block_name,
    cause_name,
    kind_name,
    level_name,
    line_name,
    market_state_name,
    nature_name,
    outcome_name,
    state_name,
    unit_name,
    verdict_name,
    word,
)
from app.wording.notices import notice_text
from app.wording.procedure import (
    deadline_text,
    expired_text,
    heading,
    local_text,
    permission_name,
    procedure_state,
    record_name,
    record_says,
    refusal_text,
    says_text,
    set_off_text,
    step_name,
)
from app.wording.remedies import remedy
from app.wording.steps import step_row

__all__ = [
    "LANGUAGES",
    "WORDS",
    "Language",
    "amount",
    "block_name",
    "bound",
    "bundle_word",
    "cause_name",
    "check_name",
    "count",
    "day",
    "deadline_text",
    "difference_text",
    "differences_told",
    "duration",
    "expired_text",
    "file_state",
    "finding_text",
    "heading",
    "instant",
    "kind_name",
    "length",
    "level_name",
    "line_name",
    "local_text",
    "market_state_name",
    "month",
    "nature_name",
    "notice_text",
    "outcome_name",
    "permission_name",
    "procedure_state",
    "quantity",
    "readings_text",
    "record_name",
    "record_says",
    "refusal_text",
    "remedy",
    "result_name",
    "says_text",
    "sentence",
    "set_off_text",
    "share",
    "state_name",
    "step_name",
    "step_row",
    "unit_name",
    "verdict_name",
    "word",
]
