"""A hall of five hundred people behind one address and one browser: all get in, and nobody is taken for a robot."""

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from service.actions import offices
from service.actions.offices import Held, add_office
from service.domain.offices import CODE_BYTES, MOST_HELD
from tests.conftest import Run
from tests.integration.pages_room import COOKIE, Browser, site

pytestmark = pytest.mark.timeout(300)

TOGETHER = 32
DESK, NEXT = "/daftar/loket", "/daftar/loket/nomor"


def test_five_hundred_people_of_one_office_get_in(run: Run, database_url: str, tmp_path: Path) -> None:
    """One browser takes all their tickets, one address claims all their passes; the next ticket has to wait for one."""

    async def scenario() -> tuple[Counter[int], list[Held], int, list[str]]:
        async with site(database_url, tmp_path, working=False) as found, session_of(found.url) as http:
            ports = found.service.ports
            code = await add_office(ports.begin, ports.vault, "Root", "Disnaker Jakarta", bytes(range(CODE_BYTES)))
            assert code
            browser = found.browser()
            await browser.send(await browser.open(DESK), "sign-in", access_code=code)
            taken = await asyncio.gather(*(take(http, browser, number) for number in range(MOST_HELD)))
            one_more = await browser.send(await browser.open(NEXT), "take", label="501")
            desk = browser.memory.desk
            assert desk is not None
            held = await offices.held_tickets(ports, desk.office_id, desk.generation)
            assert held is not None
            passes = await asyncio.gather(*(claim(http, each) for each in held))
            return Counter(taken), list(held), one_more.status, passes

    taken, held, one_more, passes = run(scenario())
    assert taken == {303: MOST_HELD} and one_more == 409
    assert len({each.number for each in held}) == MOST_HELD
    assert len(set(passes)) == MOST_HELD


def session_of(url: str) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=TOGETHER)
    return aiohttp.ClientSession(url, connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def take(http: aiohttp.ClientSession, browser: Browser, number: int) -> int:
    assert browser.memory.desk is not None
    fields = {"form": "take", "once": f"{browser.memory.sitting}.{number}", "label": f"kursi {number}"}
    headers = {"Cookie": f"{COOKIE}={browser.cookie}"}
    async with http.post(NEXT, data=fields, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def claim(http: aiohttp.ClientSession, held: Held) -> str:
    """The pass, claimed again as often as the gate says."""
    headers = {"Waiting-Room-Ticket": held.ticket, "Waiting-Room-Secret": held.secret}
    while True:
        sent = headers | {"Idempotency-Key": f"claim-{held.number}"}
        async with http.post("/claims", json={}, headers=sent) as answer:
            if answer.status == 201:
                return str((await answer.json())["pass"])
            assert answer.status in (409, 503), await answer.text()
        await asyncio.sleep(float(answer.headers["retry-after"]))
