"""Amounts of money as people type them into a form."""

import pytest

from service.domain.errors import InvalidFields
from service.web.decoding import BodyDecoder
from service.web.profile import FORMS

DECODE = BodyDecoder(*FORMS["work"])


def income(text: str) -> int:
    work = DECODE.form({"employment_status": "laid_off", "sector": "retail", "last_income": text})
    return work.last_income  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("text", ["3000000", "3.000.000", "3,000,000", "3 000 000", " 3.000.000 "])
def test_thousands_may_be_set_apart(text):
    assert income(text) == 3_000_000


@pytest.mark.parametrize("text", ["3.00.000", "3,5", "3.000.000,50", "1.000.0000", "Rp3000", "-1"])
def test_what_is_no_whole_number_is_refused_at_its_field(text):
    with pytest.raises(InvalidFields) as refused:
        income(text)
    assert [fault.field for fault in refused.value.faults] == ["last_income"]
