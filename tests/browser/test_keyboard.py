"""A form from top to sent without a pointer, and the focus always in sight."""

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.applicant import Applicant, Walk, at
from tests.browser.house import House
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(90)

_FOCUS = """() => {
  const each = document.activeElement, box = each.getBoundingClientRect(), style = getComputedStyle(each);
  const label = each.closest('.choice');
  const ring = label ? getComputedStyle(label) : style;
  return {
    name: each.name || each.className || each.tagName.toLowerCase(),
    within: box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth,
    shown: ring.outlineStyle !== 'none' || ring.boxShadow !== 'none',
  };
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control with this name has the focus; each stop on the way is in sight and marked."""
    for _ in range(12):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        assert focus["within"] and focus["shown"], focus
        if focus["name"] == name:
            return
    raise AssertionError(f"{name} cannot be reached")


def test_the_account_is_made_by_keyboard_alone(browser: Browser, house: House, number: int) -> None:
    """From the skip link over a refused form, whose summary leads to the field, to the code page."""
    with opened(browser) as window:
        page = window.page
        walk = Walk(house, window, Applicant(number))
        walk.go("")
        tab_to(page, "skip")
        page.keyboard.press("Enter")
        tab_to(page, "button")
        page.keyboard.press("Enter")
        at(page, "antrean")
        tab_to(page, "button")
        page.keyboard.press("Enter")
        page.locator("input[value=claim]").wait_for(state="attached", timeout=40_000)
        tab_to(page, "button")
        page.keyboard.press("Enter")
        at(page, "akun")
        window.refused.add(422)
        tab_to(page, "name")
        page.keyboard.press("Enter")
        page.locator(".summary").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate(_FOCUS)["name"] == "name"
        page.keyboard.type("Siti Contoh")
        tab_to(page, "phone")
        page.keyboard.type(walk.applicant.phone)
        tab_to(page, "email")
        page.keyboard.type(walk.applicant.email)
        tab_to(page, "code_by")
        page.keyboard.press("ArrowDown")
        tab_to(page, "button")
        page.keyboard.press("Space")
        at(page, "kode")
        tab_to(page, "code")
        page.keyboard.type(house.newest_code(walk.applicant.email))
        page.keyboard.press("Enter")
        at(page, "status")
