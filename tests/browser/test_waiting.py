"""The waiting room's page: it renews itself, tells the place, and shows the button when the turn comes."""

import itertools
import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.applicant import Applicant, Walk, at, button
from tests.browser.house import House
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(150)

FEW, MANY = 10, 60
"""Tickets ahead at a gate of one person every two seconds. Nobody comes for them, so the line moves faster and faster:
somebody waits for some ten seconds, or for longer than a test."""


def crowd(house: House, number: int, people: int) -> None:
    for each in range(people):
        house.ask("/tickets", f"before-{number}-{each}")


def test_with_script_it_renews_itself_in_place(browser: Browser, slow_house: House, number: int) -> None:
    """The document stays, the place moves up, the title and a status message say when the turn has come."""
    crowd(slow_house, number, FEW)
    with opened(browser) as window:
        page = window.page
        walk = Walk(slow_house, window, Applicant(number))
        walk.take_ticket()
        place = page.locator("dl.place")
        before = place.inner_text()
        page.evaluate("window.stays = true")
        # Another place, or the turn already.
        moved = "before => document.querySelector('dl.place')?.innerText !== before"
        page.wait_for_function(moved, arg=before, timeout=40_000)
        button(page, "claim").wait_for(timeout=60_000)
        assert page.evaluate("window.stays") is True
        expect(page).to_have_title("Giliran Anda tiba – Kartu Prakerja")
        expect(page.locator("#say")).to_have_text(page.locator("[data-say]").inner_text())
        window.look()


def test_a_status_is_told_at_most_every_30_seconds(browser: Browser, house: House) -> None:
    """The place changes with every renewal; only one change in half a minute is read out, the next one after it."""
    ahead = itertools.count(900, -100)
    with opened(browser) as window:
        page = window.page
        page.clock.install()

        def renewed(route: Route) -> None:
            """The real page with a place that moves."""
            told = f'<main id="main" data-refresh="5"><h1>Antrean</h1><p data-say>{next(ahead)}</p>'
            html = re.sub(r"<main[^>]*>", told, route.fetch().text())
            route.fulfill(body=html, content_type="text/html")

        page.route("**/daftar/antrean", renewed)
        page.goto(house.address("antrean"))
        said = []
        for _ in range(9):
            shown = page.locator("main p").first.inner_text()
            page.clock.fast_forward(6_000)
            expect(page.locator("main p").first).not_to_have_text(shown)
            said.append(page.locator("#say").text_content())
    changes = [text for text, before in zip(said, ["", *said], strict=False) if text and text != before]
    assert len(changes) == 2, said


def test_without_script_the_browser_renews_it(browser: Browser, slow_house: House, number: int) -> None:
    crowd(slow_house, number, FEW)
    with opened(browser, script=False, language="en") as window:
        walk = Walk(slow_house, window, Applicant(number))
        walk.take_ticket()
        window.page.locator("dl.place").wait_for()
        walk.enter()
        window.look()


def test_a_closed_tab_keeps_the_place(browser: Browser, slow_house: House, number: int) -> None:
    """The same browser opens the page again and finds the same number."""
    crowd(slow_house, number, MANY)
    with opened(browser) as window:
        walk = Walk(slow_house, window, Applicant(number))
        walk.take_ticket()
        held = window.page.locator("dl.place .number").inner_text()
        window.page.close()
        window.page = walk.page = window.page.context.new_page()
        walk.go("antrean")
        at(walk.page, "antrean")
        assert walk.page.locator("dl.place .number").inner_text() == held
