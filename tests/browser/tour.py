"""The whole way from the start page to joined, past every page and the states in which applicants meet them.

`seen(name)` is called whenever a page stands there to be judged or photographed.
"""

from collections.abc import Callable
from pathlib import Path

from tests.browser.applicant import TEST_ITEMS, Walk, at, press

Seen = Callable[[str], None]

_DESCRIBED_BY = "each => (each.closest('[aria-describedby]') ?? each).getAttribute('aria-describedby')"

CAPTIONS = {
    "start": "What the card is, who may apply, what to have ready",
    "line": "The waiting room before a number is taken",
    "line-invited": "The turn has come",
    "account": "Making an account",
    "account-refused": "Nothing was typed: the summary leads to each field",
    "code": "Typing the code that arrived",
    "code-refused": "No code was typed",
    "status": "Signed in: every step and its state",
    "identity": "Identity number, family card number, birth date",
    "identity-refused": "All faults at once",
    "personal": "Personal data; 514 regencies and cities by province",
    "personal-refused": "Refused",
    "work": "Work",
    "work-refused": "Refused",
    "program": "Training and incentive",
    "program-refused": "Refused",
    "card-photo": "Photo of the identity card",
    "card-photo-refused": "No photo was chosen",
    "selfie": "Selfie",
    "selfie-refused": "No photo was chosen",
    "phone": "Proving the phone number",
    "phone-code": "The code from the SMS",
    "test": "Before the test",
    "test-item": "One question a page, saved when it is sent",
    "test-item-refused": "No answer was chosen",
    "test-send": "Before sending in: what is still open",
    "join": "Checking the data and joining",
    "joined": "Joined, and what comes next",
    "status-joined": "The status page afterwards",
    "leave": "Forgetting this browser, on shared phones",
}
"""The pages of the way in their order, and what each shows."""


def to_account(walk: Walk, seen: Seen) -> None:
    """From the start page to signed in."""
    walk.go("")
    seen("start")
    walk.go("antrean")
    seen("line")
    walk.take_ticket()
    walk.page.locator("dl.place, input[value=claim]").first.wait_for(state="attached")
    walk.page.locator("input[value=claim]").wait_for(state="attached", timeout=40_000)
    seen("line-invited")
    walk.enter()
    seen("account")
    refuse(walk, "account", seen)
    walk.make_account()
    seen("code")
    refuse(walk, "code", seen, form="code")
    walk.sign_in()
    seen("status")


def to_joined(walk: Walk, photo: Path, seen: Seen) -> None:
    """From signed in to joined: every step in its order."""
    page = walk.page
    page.locator("main a.button").click()
    for slug, name, fill in (
        ("identitas", "identity", walk.fill_identity),
        ("profil/pribadi", "personal", walk.fill_personal),
        ("profil/pekerjaan", "work", walk.fill_work),
        ("profil/program", "program", walk.fill_program),
        ("foto/ktp", "card-photo", lambda: walk.choose_photo(photo)),
        ("foto/swafoto", "selfie", lambda: walk.choose_photo(photo)),
    ):
        at(page, slug)
        seen(name)
        refuse(walk, name, seen)
        fill()
        press(page)
    at(page, "telepon")
    seen("phone")
    press(page, "send")
    page.locator("[name=code]").wait_for()
    seen("phone-code")
    page.fill("[name=code]", walk.house.newest_code(walk.applicant.phone))
    press(page, "verify")
    test(walk, seen)
    at(page, "gabung")
    seen("join")
    press(page)
    page.locator(".notice.good").wait_for()
    seen("joined")
    walk.go("status")
    seen("status-joined")
    walk.go("keluar")
    seen("leave")


def test(walk: Walk, seen: Seen) -> None:
    """The test of 18 items; one is left out, and found again before sending."""
    page = walk.page
    at(page, "tes")
    seen("test")
    press(page)
    for number in range(1, TEST_ITEMS + 1):
        at(page, f"tes/{number}")
        if number == 1:
            seen("test-item")
            refuse(walk, "test-item", seen)
        if number == 2:
            page.locator("main p a").last.click()
            continue
        walk.answer(number)
    at(page, "tes/kirim")
    seen("test-send")
    page.locator("main ul a").click()
    walk.answer(2)
    walk.go("tes/kirim")
    press(page)


def refuse(walk: Walk, name: str, seen: Seen, form: str = "") -> None:
    """Press the button with nothing filled in: the summary stands on top, in focus, and leads to the fields."""
    page = walk.page
    walk.window.refused.add(422)
    press(page, form)
    summary = page.locator(".summary")
    summary.wait_for()
    if walk.window.script:
        assert page.evaluate("document.activeElement.className") == "summary"
    assert page.title().startswith(("Kesalahan: ", "Error: ")), page.title()
    for link in summary.locator("a").all():
        field = page.locator(str(link.get_attribute("href")))
        described = str(
            field.evaluate("each => (each.closest('[aria-describedby]') ?? each).getAttribute('aria-describedby')")
        )
        texts = [page.locator(f"[id='{each}']").inner_text() for each in described.split()]
        assert link.inner_text() in texts, (link.inner_text(), texts)
    seen(f"{name}-refused")
