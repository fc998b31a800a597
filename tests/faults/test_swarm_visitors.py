"""The swarm with people without JavaScript and people who only look, against the running service."""

import asyncio
import json

from loadtests.harness.audit import KINDS, audit
from loadtests.pages import UNNAMED
from scenarios import catalogue
from scenarios.fates import Fate
from scenarios.population import person
from scenarios.record import read_people
from service.actions import counts
from service.storage.ledger import read_ledger
from tests.integration.pages_room import site
from tests.integration.queue_room import one
from tests.integration.swarm_room import QUICK, swarm
from tests.integration.test_ledger import partners_ledger

PLANNED, ONLOOKERS = 5, 10
VISITORS = ["--people", "1/400", "--without-javascript", "0.4", "--onlookers", "2", "--seed", "1"]
ASSETS = 3
"""What a start page is drawn with: style sheet, icon, script."""


def test_pages_and_api_lead_to_one_truth(run, database_url, tmp_path):
    """Some go by pages and some by the API, while others only look: all join, and no ledger differs.

    Whoever only looks has no row, no fate and no receipt; the pages name no joins, so those receipts are counted.
    """

    def play(url, partners_url):
        with swarm(tmp_path, url, *QUICK, *VISITORS, "--partners-url", partners_url) as locust:
            return locust.say("done"), locust.end()

    async def scenario():
        async with site(database_url, tmp_path / "photos") as found:
            await counts.count(found.service.ports.begin)  # whoever only looks may follow the link to them
            ended = await asyncio.to_thread(play, found.url, found.service.settings.partners_url)
            await found.service.drained()
            async with one(database_url) as connection:
                database = json.loads(json.dumps(await read_ledger(connection, found.service.ports.photos)))
            return *ended, database, partners_ledger(found.service)

    done, code, database, partners = run(scenario())
    assert code == 0
    assert (done["planned"], done["fates"]["joined"]) == (PLANNED, PLANNED)
    assert set(read_people(tmp_path / "run")["fate"]) == {Fate.JOINED}

    receipts = json.loads((tmp_path / "run/receipts.json").read_text())
    ledgers = audit(receipts, database, partners)
    assert {kind: ledgers[kind]["difference"] for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert [ledgers[kind]["client"] for kind in ("accounts", "photos", "joins")] == [PLANNED, 2 * PLANNED, PLANNED]
    night = catalogue.load("prakerja-wave-1").with_visitors(without_javascript=0.4)
    by_pages = sum(person(night, 1, number).without_javascript for number in range(PLANNED))
    assert 0 < by_pages < PLANNED
    assert sum(each.startswith(UNNAMED) for each in receipts["joins"]["acknowledged"]) == by_pages

    routes = json.loads((tmp_path / "run/latency.json").read_text())
    assert routes["pages-start"]["service"]["count"] >= by_pages
    assert routes["accounts"]["service"]["count"] >= PLANNED - by_pages
    seen = done["onlookers"]
    assert (seen["planned"], seen["arrived"], seen["turned_away"]) == (ONLOOKERS, ONLOOKERS, 0)
    assert seen["read"] + seen["cut"] == ONLOOKERS
    assert seen["requests"] >= (1 + ASSETS) * seen["read"] > 0
