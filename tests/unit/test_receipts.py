"""Receipts: what was acknowledged, and what was asked without ever being answered."""

import io
import json
from typing import Any

from loadtests.receipts import MAY_HAVE_DONE, Collected, Receipts


def whole(*processes: Receipts, lost: int = 0) -> dict[str, Any]:
    """What receipts.json would say."""
    collected = Collected()
    for number, receipts in enumerate(processes):
        collected.take(number, *receipts.news())
    collected.give_up(lost)
    file = io.BytesIO()
    collected.write(file)
    read: dict[str, Any] = json.loads(file.getvalue())
    return read


def kept(receipts: Receipts, kind: str) -> tuple[list[str], int]:
    found = whole(receipts)[kind]
    return found["acknowledged"], found["unanswered"]


def test_an_acknowledged_effect_is_no_longer_open():
    receipts = Receipts()
    receipts.asked("accounts", 1)
    receipts.acknowledged("accounts", 1, "a")
    assert kept(receipts, "accounts") == (["a"], 0)


def test_an_effect_whose_answer_was_lost_stays_unanswered():
    """Whatever a later try is told: the first one may have done it."""
    receipts = Receipts()
    receipts.asked("joins", 1)
    receipts.unanswered("joins", 1)
    receipts.asked("joins", 1)
    receipts.declined("joins", 1)
    assert kept(receipts, "joins") == ([], 1)


def test_a_later_acknowledgement_settles_it():
    receipts = Receipts()
    receipts.asked("joins", 1)
    receipts.unanswered("joins", 1)
    receipts.asked("joins", 1)
    receipts.acknowledged("joins", 1, "j")
    assert kept(receipts, "joins") == (["j"], 0)


def test_a_refusal_leaves_nothing_open():
    receipts = Receipts()
    receipts.asked("photos", "u")
    receipts.declined("photos", "u")
    assert kept(receipts, "photos") == ([], 0)


def test_a_request_cut_off_by_the_end_of_the_run_is_unanswered():
    receipts = Receipts()
    receipts.asked("codes", "r")
    assert kept(receipts, "codes") == ([], 1)


def test_processes_are_added_up():
    one, other = Receipts(), Receipts()
    for receipts, name in ((one, "a"), (other, "b")):
        receipts.asked("accounts", 0)
        receipts.acknowledged("accounts", 0, name)
        receipts.asked("joins", 0)
    found = whole(one, other)
    assert found["accounts"] == {"acknowledged": ["a", "b"], "unanswered": 0}
    assert found["joins"] == {"acknowledged": [], "unanswered": 2}


def test_the_same_effect_told_again_is_one_receipt():
    """A repeated request; a photo's HEAD after its PATCH; the check of identity data that were given before."""
    receipts = Receipts()
    for _ in range(2):
        receipts.acknowledged("joins", 1, "j")
    for action in ("identity", "correct"):
        receipts.acknowledged("identity_checks", (1, action), "c")
    found = whole(receipts)
    assert found["joins"] == {"acknowledged": ["j"], "unanswered": 0}
    assert found["identity_checks"] == {"acknowledged": ["c"], "unanswered": 0}


def test_one_id_told_to_two_people_stays_two_receipts():
    """In one process and in two; the audit counts one of them as lost."""
    receipts, other = Receipts(), Receipts()
    for person in (1, 2, 2):
        receipts.acknowledged("joins", person, "j")
        receipts.acknowledged("identity_checks", (person, "identity"), "c")
    other.acknowledged("joins", 3, "j")
    found = whole(receipts, other)
    assert found["joins"]["acknowledged"] == ["j", "j", "j"]
    assert found["identity_checks"]["acknowledged"] == ["c", "c"]


def test_news_come_in_instalments():
    """Each acknowledgement is told once, what is open as it stands, and both survive that their person has ended."""
    receipts, collected = Receipts(), Collected()
    receipts.asked("accounts", 1)
    receipts.acknowledged("accounts", 1, 'a"1')
    receipts.asked("joins", 1)
    collected.take("w", *receipts.news())
    receipts.forget(1)
    receipts.asked("accounts", 2)
    receipts.acknowledged("accounts", 2, "a\n2")
    news = receipts.news()
    assert json.loads(f"[{news.acknowledged['accounts']}]") == ["a\n2"]
    collected.take("w", *news)
    collected.take("w", *receipts.news())
    file = io.BytesIO()
    collected.write(file)
    read = json.loads(file.getvalue())
    assert read["accounts"] == {"acknowledged": ['a"1', "a\n2"], "unanswered": 0}
    assert read["joins"] == {"acknowledged": [], "unanswered": 1}


def test_what_a_lost_worker_did_last_is_unanswered():
    receipts = Receipts()
    receipts.asked("joins", 1)
    found = whole(receipts, lost=3)
    assert found["joins"]["unanswered"] == 1 + 3 * MAY_HAVE_DONE["joins"]
    assert found["codes"]["unanswered"] == 3 * MAY_HAVE_DONE["codes"]
