"""A button pressed ten times in one moment does its work once: the form carries the key."""

import asyncio
from datetime import timedelta

from tests.integration.pages_room import Browser, Page, account_page, code_page, site

PRESSES = 10
ACCOUNT = {"name": "Siti Rahma", "phone": "+6280000000001", "email": "p000000001@people.example", "code_by": "sms"}


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
            claimed = await service.sql("select number from ticket where claimed_at is not null")
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


def test_coming_back_pressed_ten_times_asks_for_one_code(run, database_url, tmp_path):
    """And the negative control: the same form rendered anew has a new key, and asks for another one."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser = found.browser()
            page = await browser.open("/daftar/masuk")
            led, memories, _ = await pressed_often(browser, page, "address", address="+6280000000001")
            once = await found.service.sql("select 1 from code_request")
            again = await browser.open("/daftar/masuk")
            await browser.send(again, "address", address="+6280000000001")
            keys = {page.value("once"), again.value("once")}
            return led, memories, once, await found.service.sql("select 1 from code_request"), keys

    led, _, once, twice, keys = run(scenario())
    assert led == {"kode"}
    assert (len(once), len(twice), len(keys)) == (1, 2, 2)


def test_a_second_tab_takes_no_second_number(run, database_url, tmp_path):
    """Two tabs opened before the first press: the second press finds the number that the browser has."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser = found.browser()
            tabs = [await browser.open("/daftar/antrean") for _ in range(2)]
            for tab in tabs:
                await browser.send(tab, "ticket")
            other = found.browser()
            await other.send(await other.open("/daftar/antrean"), "ticket")
            return await found.service.sql("select number from ticket")

    assert len(run(scenario())) == 2  # one for each browser


def test_going_back_and_sending_something_else_corrects_the_account(run, database_url, tmp_path):
    """The browser's back button shows the old form with its old key: the change counts, nothing is doubled."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser = found.browser()
            form = await account_page(browser)
            await browser.send(form, "account", **ACCOUNT)
            page = await browser.send(form, "account", **ACCOUNT | {"name": "Siti Rahmawati"})
            return page, await found.service.sql("select name from account")

    page, accounts = run(scenario())
    assert page.path in ("/daftar/kode", "/daftar/akun")
    assert [account["name"] for account in accounts] == ["Siti Rahmawati"]


def test_a_key_is_not_taken_for_another_form(run, database_url, tmp_path):
    """Two forms of one page share the hidden key: sending the code again is not answered as typing it."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser = found.browser()
            page = await code_page(browser, "+6280000000001")
            code = await found.service.code_at("+6280000000001")
            found.service.clock.ahead = timedelta(seconds=31)
            sent = await browser.send(page, "resend")
            return sent, await browser.send(page, "code", code=code)

    sent, signed_in = run(scenario())
    assert (sent.path, signed_in.path) == ("/daftar/kode", "/daftar/status")
