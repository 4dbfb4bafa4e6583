"""The soak part of the laws of payment: the same tests, with fifty times as many contracts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# The module, not its names: what is imported by name would be collected here again.
from tests.rules import test_checks, test_payments, test_restate

LAWS = (
    test_payments.test_statement_is_the_plain_one_when_terms_and_facts_are_any,
    test_payments.test_statements_are_the_plain_ones_when_months_follow_each_other,
    test_payments.test_lines_add_up_and_stay_under_their_caps_when_terms_and_facts_are_any,
    test_payments.test_relief_never_costs_when_terms_and_facts_are_any,
    test_payments.test_breach_never_pays_when_added_to_any_month,
    test_payments.test_gap_of_the_contractor_pays_no_more_than_the_worst_fact,
    test_payments.test_gap_of_the_city_costs_nothing_of_the_best_fact,
    test_payments.test_statement_is_the_same_bytes_when_determinations_and_acts_come_in_any_order,
    test_checks.test_statements_are_the_same_bytes_when_checks_are_columns_or_a_sequence,
    test_restate.test_months_pay_in_all_what_they_would_have_when_known_at_once,
    test_restate.test_months_pay_in_all_what_they_would_have_when_caps_carry_over,
)
CONTRACTS = 50_000


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law_holds_when_it_is_tried_for_a_long_time(law: Any) -> None:
    # A function of its own: the test inside keeps the number of contracts that `make test` draws.
    @given(st.data())
    @settings(max_examples=CONTRACTS)
    def holds(data: st.DataObject) -> None:
        law.hypothesis.inner_test(data)

    holds()
