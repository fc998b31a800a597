"""What applicants meet beside the straight way: coming back, the registry's answers, corrections, refusals."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import tour
from tests.browser.applicant import Applicant, Walk, press
from tests.browser.house import ANSWERS_AT_ONCE, ANSWERS_SLOWLY, House
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_state_is_clean(browser: Browser, house: House, photo: Path, number: int, language: str) -> None:
    """An account is made in one browser and gone on with in another; axe finds nothing in any state."""
    applicant = Applicant(number)
    with opened(browser, script=False) as first:
        tour.to_account(Walk(house, first, applicant), lambda _: None)
    seen: list[str] = []
    with opened(browser, language=language) as window:

        def look(name: str) -> None:
            seen.append(name)
            window.look()

        walk = Walk(house, window, applicant)
        tour.come_back(walk, look)
        tour.answers_of_the_registry(walk, look)
        tour.odds_and_ends(walk, photo, look)
        tour.at_a_desk(walk, look)
        tour.for_everybody(walk, look)
    assert seen == list(tour.ASIDE)
    assert window.judged >= tour.ASIDE_ONLY


def test_the_answer_of_the_registry_appears_by_itself(browser: Browser, house: House, number: int) -> None:
    """The status page renews itself while the check is pending; the page's clock runs twenty times faster."""
    with opened(browser) as window:
        page = window.page
        walk = Walk(house, window, Applicant(number))
        tour.to_account(walk, lambda _: None)
        page.add_init_script(tour.FASTER)
        house.set_partners(civil_registry=ANSWERS_SLOWLY)
        try:
            walk.go("identitas")
            walk.fill_identity()
            press(page)
            walk.go("status")
            page.locator("main[data-refresh]").wait_for()
            page.evaluate("window.stays = true")
            expect(page.locator(".tasks .tag").first).to_have_text("Cocok", timeout=20_000)
        finally:
            house.set_partners(civil_registry=ANSWERS_AT_ONCE)
        assert page.evaluate("window.stays") is True


def test_what_was_saved_is_there_after_coming_back(browser: Browser, house: House, number: int) -> None:
    """A draft of the profile, written in a browser that is gone, stands in the form of the next one."""
    applicant = Applicant(number)
    with opened(browser, script=False) as first:
        walk = Walk(house, first, applicant)
        tour.to_account(walk, lambda _: None)
        walk.go("profil/pribadi")
        walk.fill_personal()
        press(walk.page)
    with opened(browser) as second:
        walk = Walk(house, second, applicant)
        tour.come_back(walk, lambda _: None)
        walk.go("profil/pribadi")
        page = walk.page
        assert page.input_value("[name=mother_name]") == "Ni Luh Contoh"
        assert page.input_value("[name=regency]") == "3372"
        assert page.input_value("[name=address]") == "Jalan Contoh 1, RT 2 RW 3"


def test_leaving_forgets_everything(browser: Browser, house: House, number: int) -> None:
    """After signing out on a shared phone the browser holds no memory, and the way back leads to signing in."""
    with opened(browser) as window:
        page = window.page
        walk = Walk(house, window, Applicant(number))
        tour.to_account(walk, lambda _: None)
        walk.go("keluar")
        press(page)
        page.wait_for_url(lambda url: not url.endswith("keluar"))
        assert page.context.cookies() == []
        walk.go("status")
        expect(page.locator("[name=contact]")).to_be_visible()
