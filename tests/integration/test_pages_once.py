"""A button pressed ten times in one moment does its work once: the form carries the key."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.pages_room import Browser, Page, account_page, code_page, site, standing_site

PRESSES = 10
ACCOUNT = {"name": "Siti Rahma", "phone": "+6280000000001", "email": "p000000001@people.example", "code_by": "sms"}


@pytest.fixture(scope="module")
def standing(server_url, template, tmp_path_factory):
    with standing_site(server_url, template, tmp_path_factory.mktemp("photos"), "pages_once") as found:
        yield found


async def pressed_often(browser: Browser, page: Page, form: str, **typed: str) -> tuple[set[str], set[str], Page]:
    """Where all presses led, what their cookies carry on, and the page after them. One form, one moment, one cookie."""
    answers = await asyncio.gather(*(browser.press(page, form, **typed) for _ in range(PRESSES)))
    assert {answer.status_code for answer in answers} == {303}, [answer.text for answer in answers]
    return (
        {answer.headers["location"].removeprefix("/daftar/") for answer in answers},
        {repr(browser.opened(answer)) for answer in answers},
        await browser.follow(answers[0]),
    )


def test_each_form_pressed_ten_times_has_one_effect(run, database_url, tmp_path):
    """Number, pass, account with its code, resend, session: one each, and every press leads the same way."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser, service = found.browser(), found.service
            page = await browser.open("/daftar/antrean")
            led = {}
            led["ticket"], tickets, page = await pressed_often(browser, page, "ticket")
            led["claim"], passes, page = await pressed_often(browser, page, "claim")
            led["account"], _, page = await pressed_often(browser, page, "account", **ACCOUNT)
            await service.code_at(ACCOUNT["phone"])
            service.clock.ahead = timedelta(seconds=31)
            led["resend"], _, page = await pressed_often(browser, page, "resend")
            code = await service.code_at(ACCOUNT["phone"], number=2)
            led["code"], sessions, page = await pressed_often(browser, page, "code", code=code)
            await service.drained()
            counts = {
                table: (await service.sql(f"select count(*) from {table}"))[0][0]
                for table in ("account", "code_request", "session")
            }
            claimed = await service.sql("select number from claim where collected")
            return led, (tickets, passes, sessions), counts, claimed, service.inbox(ACCOUNT["phone"]), service.stages

    led, memories, counts, claimed, messages, stages = run(scenario())
    assert led == {
        "ticket": {"antrean"},
        "claim": {"akun"},
        "account": {"kode"},
        "resend": {"kode"},
        "code": {"status"},
    }
    assert [len(each) for each in memories] == [1, 1, 1]
    assert counts == {"account": 1, "code_request": 1, "session": 1}
    assert len(claimed) == 1 and len(messages) == 2
    assert [stages.count(stage) for stage in ("admitted", "account_created", "code_verified")] == [1, 1, 1]


def test_coming_back_pressed_ten_times_asks_for_one_code(standing):
    """And the negative control: the same form shown anew has a new key, and asks for another one."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        index = standing.site.service.ports.vault.index(phone).hex()
        asked = f"select 1 from code_request where address_index = decode('{index}', 'hex')"
        page = await browser.open("/daftar/masuk")
        led, _, _ = await pressed_often(browser, page, "address", contact=phone)
        once = await standing.site.service.sql(asked)
        again = await browser.open("/daftar/masuk")
        await browser.send(again, "address", contact=phone)
        twice = await standing.site.service.sql(asked)
        return led, len(once), len(twice), page.value("once") != again.value("once")

    assert standing.run(scenario()) == ({"kode"}, 1, 2, True)


def test_a_second_tab_takes_no_second_number(standing):
    """Two tabs opened before the first press: the second press finds the number that the browser has."""

    async def scenario():
        browser, other = standing.site.browser(), standing.site.browser()
        tabs = [await browser.open("/daftar/antrean") for _ in range(2)]
        tickets = []
        for tab in tabs:
            await browser.send(tab, "ticket")
            tickets.append(browser.memory.ticket)
        await other.send(await other.open("/daftar/antrean"), "ticket")
        return [*tickets, other.memory.ticket]

    first, second, other = standing.run(scenario())
    assert first and first == second != other


def test_going_back_and_sending_something_else_corrects_the_account(standing):
    """The browser's back button shows the old form with its old key: the change counts, nothing is doubled."""

    async def scenario():
        browser, phone = standing.site.browser(), standing.new_phone()
        form = await account_page(browser)
        await browser.send(form, "account", **ACCOUNT | {"phone": phone, "email": ""})
        page = await browser.send(form, "account", **ACCOUNT | {"phone": phone, "email": "", "name": "Siti Rahmawati"})
        return page, await standing.site.service.sql(f"select name from account where phone = '{phone}'")

    page, accounts = standing.run(scenario())
    assert page.path == "/daftar/kode"
    assert [account["name"] for account in accounts] == ["Siti Rahmawati"]


def test_a_key_is_not_taken_for_another_form(standing):
    """Two forms of one page share the hidden key: sending the code again is not answered as typing it."""

    async def scenario():
        service, browser, phone = standing.site.service, standing.site.browser(), standing.new_phone()
        page = await code_page(browser, phone)
        code = await service.code_at(phone)
        service.clock.ahead += timedelta(seconds=31)
        sent = await browser.send(page, "resend")
        return sent, await browser.send(page, "code", code=code)

    sent, signed_in = standing.run(scenario())
    assert (sent.path, signed_in.path) == ("/daftar/kode", "/daftar/status")
