"""Forms on a slow network: sent once, and told when they were not."""

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from tests.browser.applicant import Applicant, Walk, at, button
from tests.browser.house import House
from tests.browser.tour import FASTER
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(90)

_IMPATIENT = """() => {
  const form = document.querySelector('main form'), button = form.querySelector('button');
  let again = false;
  const look = () => {
    const line = form.querySelector('.sending');
    console.info('state', button.getAttribute('aria-disabled') ?? 'free', line?.className, line?.textContent);
    if (line?.matches('.unsent') && !again) {
      again = true;
      setTimeout(() => button.click());
    }
  };
  new MutationObserver(look).observe(form, {subtree: true, childList: true, attributes: true});
  setTimeout(() => { button.click(); button.click(); button.click(); });
}"""
"""Somebody who presses three times, and once more as soon as the page says that nothing was sent.

Played inside the page: while a browser waits for the next page it takes no orders from the driver.
"""

SENDING = "state true sending busy Sedang dikirim …"
UNSENT = "state free sending unsent Belum terkirim. Isian Anda masih ada; kirim sekali lagi."


def test_a_silent_server_frees_the_button_after_20_seconds(browser: Browser, house: House, number: int) -> None:
    """Meanwhile a second press does nothing. Pressed again the same form is sent again, and takes effect once."""
    states: list[str] = []
    sent: list[str] = []

    def sent_again(message: ConsoleMessage) -> bool:
        if message.text.startswith("state") and message.text not in states[-1:]:
            states.append(message.text)
        return states[-2:] == [UNSENT, SENDING]

    with opened(browser) as window:
        page = window.page
        walk = Walk(house, window, Applicant(number))
        walk.take_ticket()
        walk.enter()
        page.add_init_script(FASTER)
        page.reload()
        walk.fill_account()
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        with house.silent(), page.expect_console_message(sent_again):
            page.evaluate(_IMPATIENT)
        at(page, "kode")
        house.newest_code(walk.applicant.email)
    assert states[0] == SENDING
    assert len(sent) == 2
    assert len(house.messages(walk.applicant.email)) == 1


def test_the_button_is_free_after_coming_back(browser: Browser, house: House, number: int) -> None:
    """The browser may keep the page as it was left: then the lock is taken off."""
    with opened(browser) as window:
        page = window.page
        walk = Walk(house, window, Applicant(number))
        walk.take_ticket()
        walk.enter()
        walk.make_account()
        page.go_back()
        at(page, "akun")
        expect(button(page)).not_to_have_attribute("aria-disabled", "true")
        expect(page.locator(".sending")).to_have_count(0)
