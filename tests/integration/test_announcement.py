"""Telling people what a draw came to: everybody once, between the dates, and what everybody may look at."""

import argparse
import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service import announce_command
from service.actions.announcement import announce, write_some
from service.domain.announcement import Place
from service.domain.errors import DatabaseUnavailable, PartnerError
from service.domain.queues import JobEnd
from service.web import announcement
from tests.conftest import Run
from tests.integration.money_room import WAVE, Drawn, drawn_wave, give_grant
from tests.integration.queue_room import one
from tests.integration.registration_room import code_of, registration
from tests.integration.worker_room import Room, service_room, until

MIXED = [Place.CHOSEN, Place.WAITING, Place.CHOSEN, Place.WITHDRAWN, Place.WAITING]


async def ask(room: Room, *words: str) -> tuple[Any, bool]:
    """What `launchnight announce` says."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    announce_command.add_arguments(parser)
    options = parser.parse_args([*words, "--wave", str(WAVE), "--json"])
    text, done = await announce_command.run(room.ports.begin, room.ports.vault, room.settings, options)
    return json.loads(text) if text.startswith("{") else text, done


def texts(room: Room, person: Drawn) -> list[str]:
    return [message.text for message in room.partners.deliveries.inbox(person.phone)]


async def everybody_told(room: Room) -> None:
    """Wait until nothing is left to write or to send."""

    async def finished() -> bool:
        said, _ = await ask(room, "list")
        return bool(said["state"] == "finished") and await room.depth() == 0

    await until(finished)


def test_everybody_with_a_place_is_told_once(run: Run, database_url: str, tmp_path: Any) -> None:
    """Started twice, all the same; whoever moves up then hears of it, and nobody else hears anything again."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            people = await drawn_wave(room.connection, MIXED)
            assert (await ask(room, "list"))[0]["state"] == "off"
            await ask(room, "start")
            record = await room.connection.fetch("select verb, outcome from staff_audit")
            assert [tuple(row) for row in record] == [("announce-start", "done")]
            async with room.worker():
                await everybody_told(room)
                told = [texts(room, each) for each in people]
                assert [len(each) for each in told] == [1, 1, 1, 0, 1]
                assert "terpilih" in told[0][0] and "daftar tunggu" in told[1][0]
                waiting = people[1]
                await room.connection.execute("update draw_place set outcome = 1 where join_id = $1", waiting.join_id)
                await give_grant(room.connection, waiting)
                await ask(room, "start")
                await everybody_told(room)
            assert [len(texts(room, each)) for each in people] == [1, 2, 1, 0, 1]
            assert "terpilih" in texts(room, waiting)[1]
            said, _ = await ask(room, "list")
            assert said["messages"]["chosen"] == {"places": 3, "written": 3, "sent": 3}
            assert room.partners.gateways["announcement"].ledger.distinct == 5
            assert room.stage("notified") == 3

    run(scenario())


def test_only_the_chosen_when_asked_for(run: Run, database_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            people = await drawn_wave(room.connection, MIXED)
            await ask(room, "start", "--to", "chosen")
            async with room.worker():
                await everybody_told(room)
            assert [len(texts(room, each)) for each in people] == [1, 0, 1, 0, 0]

    run(scenario())


def test_nothing_leaves_outside_the_dates(run: Run, database_url: str, tmp_path: Any) -> None:
    """Neither is written before or after, nor sent when the dates were changed behind what was written."""

    async def refusal(room: Room) -> PartnerError:
        job = await room.claim("announcement")
        try:
            await room.handled(announce, job)
        except PartnerError as error:
            async with room.ports.begin() as tx:
                await tx.queue.retry(job, delay=None, error=error.reason, answered=True)
            return error
        raise AssertionError("it was sent")

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await drawn_wave(room.connection, [Place.CHOSEN])
            await ask(room, "start")
            later = "update wave set sms_from = now() + interval '1 hour', sms_until = now() + interval '2 hours'"
            over = "update wave set sms_from = now() - interval '2 hours', sms_until = now() - interval '1 hour'"
            fits = "update wave set sms_from = now() - interval '2 hours', sms_until = null"
            for dates in (later, over):
                await room.connection.execute(dates)
                assert await write_some(room.ports) == 0
            await room.connection.execute(fits)
            assert await write_some(room.ports) == 1
            await room.connection.execute(later)
            early = await refusal(room)
            assert early.temporary and 0 < (early.retry_after_s or 0) <= 60
            await room.connection.execute(over)
            assert not (await refusal(room)).temporary
            assert room.partners.gateways["announcement"].ledger.traffic.asked == 0
            await room.connection.execute(fits)
            assert await room.handled(announce, await room.claim("announcement")) is JobEnd.DONE

    run(scenario())


def test_what_is_not_true_any_more_is_not_sent(run: Run, database_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            (person,) = await drawn_wave(room.connection, [Place.CHOSEN])
            await ask(room, "start")
            assert await write_some(room.ports) == 1
            await room.connection.execute("update draw_place set outcome = 3")
            assert await room.handled(announce, await room.claim("announcement")) is JobEnd.DROPPED
            assert texts(room, person) == [] and await room.depth() == 0

    run(scenario())


def test_a_pause_stops_the_writing_and_a_full_queue_holds_it_up(run: Run, database_url: str, tmp_path: Any) -> None:
    """It is filled to half of its limit, and it goes on when some have left."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, ANNOUNCEMENT_QUEUE_LIMIT="64") as room:
            people = await drawn_wave(room.connection, [Place.CHOSEN] * 40)
            await ask(room, "start")
            await ask(room, "pause")
            assert await write_some(room.ports) == 0
            await ask(room, "resume")
            assert [await write_some(room.ports) for _ in range(3)] == [32, 0, 0]
            assert await room.depth() == 32
            async with room.worker():
                await everybody_told(room)
            assert [len(texts(room, each)) for each in people] == [1] * 40

    run(scenario())


def test_two_writers_at_once_write_nothing_twice(run: Run, database_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await drawn_wave(room.connection, [Place.CHOSEN] * 60)
            await ask(room, "start")
            while any(await asyncio.gather(*(write_some(room.ports) for _ in range(4)))):
                pass
            assert await room.depth() == 60
            assert (await room.connection.fetchrow("select count(*) from announcement_message"))[0] == 60

    run(scenario())


def test_a_wave_without_a_date_is_not_announced(run: Run, database_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await drawn_wave(room.connection, [])
            await room.connection.execute("update wave set sms_from = null")
            said, done = await ask(room, "start")
            assert not done and "no date" in said
            assert (await ask(room, "pause"))[1] is False
            await room.connection.execute("delete from wave")
            assert (await ask(room, "list")) == (f"there is no wave {WAVE}", False)

    run(scenario())


def test_everybody_sees_the_same_until_it_is_announced(run: Run, database_url: str, tmp_path: Any) -> None:
    """From memory, for caches, with a tag; afterwards each ticket has its place."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            people = await drawn_wave(connection, MIXED)
            path = f"/waves/{WAVE}/result"
            tickets = [f"/waves/{WAVE}/results/{each.join_id.hex}" for each in people]
            await connection.execute("update wave set announce_at = now() + interval '1 hour'")
            before = await service.get(path)
            assert (before.status_code, before.json()["state"]) == (200, "closed")
            # Nobody is told that the draw is to come when it is there: six seconds are all.
            kept = "public, max-age=5, stale-while-revalidate=0, stale-if-error=30"
            assert before.headers["cache-control"] == kept
            assert [answer.content for answer in [await service.get(each) for each in tickets]] == [before.content] * 5
            same = await service.get(path, If_None_Match=f'"x", W/{before.headers["etag"]}')
            assert (same.status_code, same.content) == (304, b"")

            service.clock.ahead = timedelta(hours=2)
            after = await service.get(path)
            assert after.json()["state"] == "announced" and after.headers["etag"] != before.headers["etag"]
            assert (await service.get(path, If_None_Match=before.headers["etag"])).status_code == 200
            told = [(await service.get(each)).json() for each in tickets]
            assert [each["place"] for each in told] == ["chosen", "waiting", "chosen", "withdrawn", "waiting"]
            assert [each["rank"] for each in told] == [1, 2, 3, 4, 5]
            kept = "public, max-age=60, stale-while-revalidate=30, stale-if-error=3600"
            assert (await service.get(tickets[0])).headers["cache-control"] == kept
            for nothing in (f"{path}s/{'0' * 32}", f"{path}s/x", "/waves/77/result", "/waves/x/result"):
                refused = await service.get(nothing)
                assert (refused.status_code, code_of(refused)) == (404, "not-found")
                assert refused.headers["cache-control"] == "no-store"

    run(scenario())


def test_an_old_answer_is_better_than_none(
    run: Run, database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away: whoever polls sees what was known; of what was never known it is told."""
    monkeypatch.setattr(announcement, "REFRESH", 0.0)

    def away(*, single: bool = False) -> Any:
        raise DatabaseUnavailable

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await drawn_wave(room.connection, [])
            copies = announcement.WaveCopies()
            first = await copies.find(room.ports, WAVE)
            cut_off = replace(room.ports, begin=away)
            assert await copies.find(cut_off, WAVE) == first
            with pytest.raises(DatabaseUnavailable):
                await copies.find(cut_off, WAVE + 1)
            await room.connection.execute("update wave set seats = 7")
            assert (await copies.find(room.ports, WAVE)).seats == 7

    run(scenario())
