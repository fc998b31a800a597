"""The whole way from the start page to joined, past every page and the states in which applicants meet them.

`seen(name)` is called whenever a page stands there to be judged or photographed.
"""

import time
from collections.abc import Callable
from pathlib import Path

from scenarios.identity_numbers import with_wrong_digit
from tests.browser.applicant import TEST_ITEMS, Walk, at, press
from tests.browser.house import ANSWERS_AT_ONCE, ANSWERS_SLOWLY, PATIENCE

Seen = Callable[[str], None]

_DESCRIBED_BY = "each => (each.closest('[aria-describedby]') ?? each).getAttribute('aria-describedby')"

FASTER = "{ const wait = setTimeout; window.setTimeout = (work, delay, ...more) => wait(work, delay / 20, ...more); }"
"""The page's own clock runs twenty times faster."""

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

ASIDE = {
    "sign-in": "Coming back: phone number or e-mail address",
    "sign-in-refused": "Nothing was typed",
    "code-wrong": "A wrong code",
    "code-too-early": "Asked for another code too soon: what to do, and when",
    "status-pending": "The civil registry is being asked; the page renews itself",
    "status-mismatch": "The civil registry does not know this combination",
    "identity-mismatch": "Correcting it; nothing else is typed again",
    "status-too-young": "Not yet 18",
    "phone-correction": "Correcting the phone number",
    "phone-correction-refused": "Nothing was typed",
    "photo-stored": "A photo is there already",
    "test-running": "The test goes on after a break",
    "steps-missing": "Joining before all steps are done",
    "not-found": "A page that does not exist",
    "desk-sign-in": "A labor office: its access code opens the desk",
    "desk-sign-in-refused": "No code was typed",
    "desk-next": "A number for the next applicant, with a mark",
    "desk-next-refused": "No mark was typed",
    "desk": "All numbers of the desk; with one whose turn has come the usual way begins",
    "desk-account": "The usual way, with the desk on top",
    "invitation": "An application on paper: the code of its invitation makes the account",
    "invitation-refused": "Nothing was typed",
    "desk-seated": "While an applicant sits there, nothing of the others is shown",
    "desk-leave": "Done with this applicant: the desk keeps its numbers",
    "result-search": "The result of a draw, for whoever has the ticket",
    "result-search-refused": "No ticket was typed",
    "result-wave": "A wave that is open still",
    "result": "A ticket that may move up",
    "counts": "How many people came how far",
    "counts-refused": "No place was chosen",
    "counts-place": "The same for one regency, rounded",
    "complaint": "A complaint, with an account or without",
    "complaint-refused": "Nothing was typed",
    "complaint-filed": "Number and secret, and what was written",
    "complaint-search": "Looking for it on another phone",
    "complaint-search-refused": "Nothing was typed",
    "complaint-answered": "Its answer",
}
"""What applicants meet beside the straight way."""
ASIDE_ONLY = {
    "masuk", "undangan", "telepon/ganti", "loket", "loket/nomor", "hasil", "hasil/1", "jumlah", "jumlah/3372",
    "pengaduan", "pengaduan/lihat", "pengaduan/saya",
}  # fmt: skip
"""Slugs of the pages that lie beside the way."""


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


def come_back(walk: Walk, seen: Seen) -> None:
    """Another browser of somebody who has an account: signing in again, with a wrong code first."""
    page, applicant, house = walk.page, walk.applicant, walk.house
    walk.window.refused |= {422, 429}
    walk.go("masuk")
    seen("sign-in")
    refuse(walk, "sign-in", seen)
    page.fill("[name=contact]", applicant.email)
    known = len(house.messages(applicant.email))
    press(page)
    at(page, "kode")
    code = house.newest_code(applicant.email, after=known)
    page.fill("[name=code]", f"{(int(code) + 1) % 1_000_000:06}")
    press(page, "code")
    page.locator(".summary").wait_for()
    seen("code-wrong")
    press(page, "resend")
    page.locator(".summary p").wait_for()
    seen("code-too-early")
    page.fill("[name=code]", code)
    press(page, "code")
    at(page, "status")


def answers_of_the_registry(walk: Walk, seen: Seen) -> None:
    """One wrong digit, its correction, and a birth date of somebody too young."""
    page = walk.page
    walk.house.set_partners(civil_registry=ANSWERS_SLOWLY)
    try:
        walk.go("identitas")
        walk.fill_identity(with_wrong_digit(walk.applicant.nik))
        press(page)
        walk.go("status")
        page.locator("main[data-refresh]").wait_for()
        seen("status-pending")
    finally:
        walk.house.set_partners(civil_registry=ANSWERS_AT_ONCE)
    reload_until(walk, ".notice.bad")
    seen("status-mismatch")
    walk.go("identitas")
    seen("identity-mismatch")
    walk.fill_identity()
    page.fill("[name=birth_year]", "2010")
    press(page)
    at(page, "status")
    seen("status-too-young")
    walk.go("identitas")
    walk.fill_identity()
    press(page)
    walk.go("status")
    reload_until(walk, ".tasks li:first-child .tag.done")


def reload_until(walk: Walk, selector: str) -> None:
    """Look again, as people do, until it is there."""
    deadline = time.monotonic() + PATIENCE
    while not walk.page.locator(selector).count():
        assert time.monotonic() < deadline, selector
        walk.page.reload()


def odds_and_ends(walk: Walk, photo: Path, seen: Seen) -> None:
    """States of single pages, for somebody signed in with the identity given."""
    page = walk.page
    walk.go("telepon/ganti")
    seen("phone-correction")
    refuse(walk, "phone-correction", seen)
    walk.go("foto/ktp")
    walk.choose_photo(photo)
    press(page)
    page.wait_for_url(lambda url: not url.endswith("foto/ktp"))
    walk.go("foto/ktp")
    seen("photo-stored")
    walk.go("tes")
    press(page)
    at(page, "tes/1")
    walk.go("tes")
    seen("test-running")
    walk.go("gabung")
    seen("steps-missing")
    walk.window.refused.add(404)
    walk.go("nowhere")
    seen("not-found")


def at_a_desk(walk: Walk, seen: Seen) -> None:
    """A labor office signs in, takes a number for an applicant, begins with them, and is done with them."""
    page = walk.page
    walk.go("loket")
    seen("desk-sign-in")
    refuse(walk, "desk-sign-in", seen)
    page.fill("[name=access_code]", walk.house.new_office(f"Disnaker {walk.applicant.number}"))
    press(page)
    page.locator(".desk").wait_for()
    page.locator("main a.button").click()
    at(page, "loket/nomor")
    seen("desk-next")
    refuse(walk, "desk-next", seen)
    page.fill("[name=label]", "kursi 7")
    press(page)
    at(page, "loket")
    reload_until(walk, "[name=begin]")
    page.locator("summary").click()
    seen("desk")
    walk.window.refused.add(409)
    while walk.page.locator("[name=begin]").count():  # the gate may need a moment to let somebody in
        page.locator("[name=begin]").first.click()
        page.locator("[name=name], .summary").first.wait_for()
    at(page, "akun")
    seen("desk-account")
    walk.go("undangan")
    seen("invitation")
    refuse(walk, "invitation", seen)
    walk.go("loket")
    seen("desk-seated")
    page.locator("main a.button").click()
    at(page, "keluar")
    seen("desk-leave")
    press(page)
    at(page, "loket")


def for_everybody(walk: Walk, seen: Seen) -> None:
    """Results, counts and complaints: pages that ask for no account."""
    page = walk.page
    walk.go("hasil")
    seen("result-search")
    refuse(walk, "result-search", seen)
    walk.go("hasil/1")
    seen("result-wave")
    wave, ticket = walk.house.waiting_ticket(walk.applicant.number)
    walk.go("hasil")
    page.fill("[name=wave]", str(wave))
    page.fill("[name=ticket]", ticket)
    press(page)
    at(page, f"hasil/{wave}/{ticket}")
    seen("result")
    walk.go("jumlah")
    seen("counts")
    refuse(walk, "counts", seen)
    page.select_option("[name=regency]", "3372")
    press(page)
    at(page, "jumlah/3372")
    seen("counts-place")
    walk.go("pengaduan")
    seen("complaint")
    refuse(walk, "complaint", seen)
    page.select_option("[name=category]", "photo_upload")
    page.select_option("[name=regency]", "3372")
    page.fill("[name=text]", "Foto KTP gagal terkirim.\nSudah lima kali.")
    press(page)
    at(page, "pengaduan/saya")
    seen("complaint-filed")
    number, secret = (page.locator("dl.facts dd").nth(place).inner_text() for place in (1, 2))
    walk.go("pengaduan/lihat")
    seen("complaint-search")
    refuse(walk, "complaint-search", seen)
    page.fill("[name=complaint_number]", number)
    page.fill("[name=complaint_secret]", secret)
    walk.house.answer_complaint(int(number), "Unggahan sudah diperbaiki. Silakan coba lagi.")
    press(page)
    at(page, "pengaduan/saya")
    seen("complaint-answered")


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
        described = str(field.evaluate(_DESCRIBED_BY))
        texts = [page.locator(f"[id='{each}']").inner_text() for each in described.split()]
        assert link.inner_text() in texts, (link.inner_text(), texts)
    seen(f"{name}-refused")
