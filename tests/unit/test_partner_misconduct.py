"""Partners that misbehave on purpose: shares hold, luck is the key's, a wrong order is refused whole."""

import pytest

from scenarios.json_bodies import Refused
from scenarios.partners.misconduct import PARTNERS, WELL, Act, Conduct, Misconduct


def test_shares_hold_and_luck_is_the_key_s() -> None:
    conduct = Conduct(seed=1)
    conduct.change({"sms": {"error": 0.3, "hang": 0.1, "twice": 0.2}})
    met = [conduct.act("sms", f"sms-{number}") for number in range(10_000)]
    assert {act: round(met.count(act) / 10_000, 1) for act in (Act.ERROR, Act.HANG, Act.TWICE, None)} == {
        Act.ERROR: 0.3,
        Act.HANG: 0.1,
        Act.TWICE: 0.2,
        None: 0.4,
    }
    again = Conduct(seed=1)
    again.of = conduct.of
    assert [again.act("sms", f"sms-{number}") for number in range(9_999, -1, -1)] == met[::-1]
    assert [conduct.act("sms", f"sms-{number}") for number in range(10_000)] != met  # a second try has other luck


def test_all_of_a_share_of_one() -> None:
    assert {Misconduct(cut=1.0).act(u / 100) for u in range(100)} == {Act.CUT}


def test_whoever_is_not_named_behaves() -> None:
    conduct = Conduct(seed=1)
    conduct.change({"sms": {"error": 1}})
    assert conduct.act("email", "1") is None
    conduct.change({})
    assert conduct.of == dict.fromkeys(PARTNERS, WELL)


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"fax": {}}, ["fax"]),
        ({"sms": 5, "email": {"eror": 1}}, ["sms", "email.eror"]),
        ({"sms": {"error": 2}}, ["sms.error"]),
        ({"sms": {"error": True, "late_s": -1}}, ["sms.error", "sms.late_s"]),
        ({"sms": {"error": 0.6, "cut": 0.6}}, ["sms"]),
    ],
)
def test_a_wrong_order_is_refused_whole(order: dict[str, object], fields: list[str]) -> None:
    conduct = Conduct(seed=1)
    with pytest.raises(Refused) as caught:
        conduct.change({"civil_registry": {"hang": 1}, **order})
    assert [fault.field for fault in caught.value.faults] == fields
    assert conduct.of["civil_registry"] == WELL
