"""Waves as applicants meet them: the last second, the next wave without typing anything again, one grant for ever."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from itertools import repeat
from uuid import UUID

import pytest

from service.actions import draws
from service.actions.wave_plans import set_wave
from service.domain.draws import Outcome
from service.domain.identity import STATUS_WORDS, IdentityStatus
from service.wave_ports import Place
from tests.integration.registration_room import STEPS, Person, Registration, code_of, registration, until

HOUR = timedelta(hours=1)
STATUSES = {word: status for status, word in STATUS_WORDS.items()}
STUDENT = {"employment_status": "student", "sector": "pariwisata", "last_income": 0}


async def two_waves(service: Registration) -> datetime:
    """Wave 1 closes in an hour, wave 2 opens an hour later and is open for one. Returns when wave 1 closes."""
    closes = (service.clock.now() + HOUR).replace(microsecond=0)
    for number, opens_at, closes_at in [(1, closes - 2 * HOUR, closes), (2, closes + HOUR, closes + 2 * HOUR)]:
        given = {"opens_at": opens_at, "closes_at": closes_at, "seats": 5}
        await set_wave(service.ports.begin, "tester", number, given)
    return closes


async def draw(service: Registration, wave: int, ticket: UUID, outcome: Outcome) -> None:
    """What a published draw leaves of one ticket."""
    later = service.clock.now() + 4 * HOUR
    async with service.ports.begin() as tx:
        await tx.draws.freeze(wave, later)
        await tx.draws.place(wave, [Place(ticket, outcome, 15 + outcome)])
        await tx.draws.publish(wave, later)
        if outcome is Outcome.CHOSEN:
            assert await tx.draws.grant([ticket]) == []


def test_one_second_late_is_refused_with_the_reason_and_the_next_wave(run, database_url, tmp_path, monkeypatch):
    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            closes = await two_waves(service)
            answers = []
            for second in (-1, 0, 1):
                moment = closes + timedelta(seconds=second)
                monkeypatch.setattr(service.clock, "now", repeat(moment).__next__)
                answers.append(await person.post("/waves/1/join"))
            return closes, answers

    closes, (early, sharp, late) = run(scenario())
    assert code_of(early) == "steps-missing", "a second before the close it is still open"
    for answer in (sharp, late):
        assert (answer.status_code, code_of(answer)) == (409, "wave-closed")
        assert "retry-after" not in answer.headers
    told = late.json()
    assert datetime.fromisoformat(told["closed_at"]) == closes
    assert "1.0 s before this request" in told["detail"]
    assert told["next_wave"]["id"] == 2
    assert datetime.fromisoformat(told["next_wave"]["opens_at"]) == closes + HOUR


def test_who_was_not_chosen_joins_the_next_wave_without_typing_anything(run, database_url, tmp_path):
    """And who was chosen joins none: there is one grant for ever."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await two_waves(service)
            people = [await Person(service, number).prepare() for number in (1, 2)]
            first = [(await person.post("/waves/1/join")).json() for person in people]
            for person in people:
                await until(partial(_matches, person))
            before = await people[0].me()
            service.clock.ahead = 1.5 * HOUR
            between = await people[0].me()
            await draw(service, 1, UUID(first[0]["join_id"]), Outcome.WAITING)
            await draw(service, 1, UUID(first[1]["join_id"]), Outcome.CHOSEN)
            service.clock.ahead = 2.5 * HOUR
            told = [await person.me() for person in people]
            second = [await person.post("/waves/2/join") for person in people]
            after = await people[0].me()
            return first, before, between, told, second, after

    first, before, between, told, (joined, refused), after = run(scenario())
    assert first[0]["ticket"] == UUID(first[0]["join_id"]).hex
    assert before["wave"]["id"] == 1 and before["wave"]["joined_at"] and not before["wave"]["joinable"]
    assert before["draw"]["outcome"] == "awaited" and before["draw"]["ticket"] == first[0]["ticket"]
    assert between["wave"]["id"] == 2 and not between["wave"]["joinable"], "it has not opened yet"
    assert between["wave"]["missing"] == between["wave"]["reasons"] == []
    assert (told[0]["draw"]["outcome"], told[0]["draw"]["rank"]) == ("waiting", 17)
    assert told[0]["wave"]["joinable"] and told[0]["wave"]["joined_at"] is None
    assert joined.status_code == 201
    assert joined.json()["ticket"] != first[0]["ticket"], "another wave, another ticket"
    assert after["wave"]["joined_at"] and after["draw"]["wave"] == 2
    assert told[1]["draw"]["outcome"] == "chosen"
    assert not told[1]["wave"]["joinable"] and told[1]["wave"]["reasons"] == ["grant"]
    assert (refused.status_code, code_of(refused)) == (403, "not-eligible")
    assert [reason["rule"] for reason in refused.json()["reasons"]] == ["grant"]


async def _matches(person: Person) -> bool:
    return bool((await person.me())["identity"]["status"] == "match")


def test_places_are_told_on_the_day_of_the_announcement(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path) as service:
            closes = await two_waves(service)
            person = await Person(service, 1).prepare()
            join = (await person.post("/waves/1/join")).json()
            await set_wave(service.ports.begin, "tester", 1, {"announce_at": closes + HOUR})
            await draw(service, 1, UUID(join["join_id"]), Outcome.WAITING)
            outcomes = []
            for ahead in (1.5, 2.5):
                service.clock.ahead = ahead * HOUR
                outcomes.append((await person.me())["draw"])
            return outcomes

    early, late = run(scenario())
    assert (early["outcome"], early["rank"]) == ("awaited", None)
    assert (late["outcome"], late["rank"]) == ("waiting", 17)


def test_a_grant_is_nobodys_before_the_announcement(run, database_url, tmp_path):
    """It stands in the database, and nothing tells of it: not the grant, not the status, not the next wave."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            closes = await two_waves(service)
            person = await Person(service, 1).prepare()
            join = (await person.post("/waves/1/join")).json()
            await until(partial(_matches, person))  # no grant without it
            await set_wave(service.ports.begin, "tester", 1, {"announce_at": closes + 1.5 * HOUR})
            await draw(service, 1, UUID(join["join_id"]), Outcome.CHOSEN)
            seen = []

            async def look() -> None:
                me = await person.me()
                codes = [(await service.get("/grant", **person.session)).status_code]
                codes.append((await person.post("/grant/courses", {"course": "balai-las"})).status_code)
                seen.append((codes, me["draw"]["wave"], me["draw"]["outcome"], me["wave"]["reasons"]))

            service.clock.ahead = 2.2 * HOUR
            joined = await person.post("/waves/2/join")
            await look()
            service.clock.ahead = 2.6 * HOUR
            await look()
            return joined.status_code, seen

    joined, (early, late) = run(scenario())
    assert joined == 201
    assert early == ([403, 403], 2, "awaited", [])
    assert late == ([200, 201], 1, "chosen", ["grant"])


def test_who_was_not_in_the_draw_is_told_why(run, database_url, tmp_path):
    """Each rule that was not fulfilled when the list was made. What holds by now, and what does no more, changes none;
    asked today, the rules would say something else."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            now, begin = service.clock.now(), service.ports.begin
            await set_wave(service.ports.begin, "tester", 1, {"opens_at": now - 2 * HOUR, "closes_at": now - HOUR})
            async with service.worker():
                person = await (await Person(service, 1).sign_up()).sign_in()
            await person.put("/identity", person.identity())  # nobody asks the registry now
            async with service.ports.begin() as tx:
                await tx.waves.join(UUID(int=7), 1, UUID(person.account_id), now, "")
                assert await tx.draws.freeze(1, now)
            (before,) = [each async for batch in draws.joins(begin, 1, service.ports.policy.age_on) for each in batch]
            async with begin() as tx:
                await tx.draws.publish(1, now)
            async with service.worker():
                await until(partial(_matches, person))
            for step, data in {"personal": STEPS["personal"], "work": STUDENT}.items():
                assert (await person.put(f"/profile/{step}", data)).status_code == 204
            told = (await person.me())["draw"]
            (after,) = [each async for batch in draws.joins(begin, 1, service.ports.policy.age_on) for each in batch]
            return told, before[1], after[1]

    told, before, after = run(scenario())
    assert (told["outcome"], told["reasons"]) == ("left_out", ["assessed", "identity", "province"])
    assert list(before) == told["reasons"] and list(after) == ["education", "assessed", "identity"]


@pytest.mark.parametrize(("born", "status"), [("2002-04-21", "mismatch"), ("2002-05-02", "not_eligible")])
def test_a_birth_date_corrected_after_the_join_is_asked_about(run, database_url, tmp_path, born, status):
    """Too young for the day of the settings and old enough for the wave that was joined: it does not stay pending.
    Control: too young for that one too, nobody is asked."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await two_waves(service)
            await set_wave(service.ports.begin, "tester", 2, {"age_on": datetime(2020, 5, 1).date()})
            person = await (await Person(service, 1).sign_up()).sign_in()
            await person.put("/identity", person.identity(birth_date="2002-04-20"))
            await person.finish()
            service.clock.ahead = 2.5 * HOUR
            assert (await person.post("/waves/2/join")).status_code == 201
            await until(partial(_answered, person))
            first = await person.me()
            corrected = await person.put("/identity", person.identity(birth_date=born))
            await service.drained()
            asked = await service.sql("select outcome from identity_check order by version")
            return first, corrected.json(), await person.me(), [row["outcome"] for row in asked]

    first, corrected, me, asked = run(scenario())
    assert first["identity"]["status"] == "mismatch"
    assert corrected["status"] == ("pending" if status == "mismatch" else status)
    assert me["identity"]["status"] == status
    assert asked == [IdentityStatus.MISMATCH, STATUSES[status]]


def test_too_young_for_one_wave_is_old_enough_for_the_next(run, database_url, tmp_path):
    """Nothing is typed again: joining asks the registry, which was not asked before."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await two_waves(service)
            await set_wave(service.ports.begin, "tester", 2, {"age_on": datetime(2020, 5, 1).date()})
            person = Person(service, 1)
            await person.sign_up()
            await person.sign_in()
            given = await person.put("/identity", person.identity(birth_date="2002-04-20"))
            await person.finish()
            refused = await person.post("/waves/1/join")
            before = await person.me()
            service.clock.ahead = 2.5 * HOUR
            between = await person.me()
            joined = await person.post("/waves/2/join")
            await until(partial(_answered, person))
            return given, refused, before, between, joined, await person.me()

    given, refused, before, between, joined, after = run(scenario())
    assert given.json()["status"] == before["identity"]["status"] == "not_eligible"
    assert [reason["rule"] for reason in refused.json()["reasons"]] == ["age"]
    assert before["wave"]["reasons"] == ["age"] and not before["wave"]["joinable"]
    assert between["identity"]["status"] == "pending" and between["wave"]["joinable"]
    assert (joined.status_code, joined.json()["identity"]) == (201, "pending")
    assert after["identity"]["status"] == "mismatch", "the registry was asked, and knows another birth date"


async def _answered(person: Person) -> bool:
    return bool((await person.me())["identity"]["status"] != "pending")


def test_who_goes_to_school_cannot_join(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).prepare()
            assert (await person.put("/profile/work", STUDENT)).status_code == 204
            return await person.post("/waves/1/join")

    answer = run(scenario())
    assert (answer.status_code, code_of(answer)) == (403, "not-eligible")
    assert [reason["rule"] for reason in answer.json()["reasons"]] == ["education"]


def test_fifty_presses_at_once_are_one_join(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).prepare()
            answers = await asyncio.gather(*(person.post("/waves/1/join") for _ in range(50)))
            (row,) = await service.sql("select count(*) as joins, max(device) as device from wave_join")
            return answers, row["joins"], row["device"]

    answers, joins, device = run(scenario())
    tickets = {answer.json()["ticket"] for answer in answers if answer.status_code == 201}
    assert len(tickets) == joins == 1
    assert {answer.status_code for answer in answers} <= {201, 503}, "busy at most"
    assert device == "other"
