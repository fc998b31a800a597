"""The same request sent again, once or fifty times at once, has one effect and one answer."""

import asyncio
import json
import time

import pytest

from service.actions.once import Once, answered_once
from service.actions.phone import ask_phone_code
from service.actions.sessions import token_hash
from service.web.idempotency import encode
from tests.integration.registration_room import Person, code_of, held, registration


def told(answer):
    """What each repetition must say alike: status and body, but for the place of a ticket, which is as of now."""
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body.pop("place", None)
    return answer.status_code, json.dumps(body)


def test_each_creating_request_is_answered_alike(run, database_url, tmp_path):
    """Ticket, claim, account, code, session, phone, assessment, submission: the repetition gets the same bytes."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            pairs = []

            async def twice(path, body=None, **headers):
                first = await service.post(path, body, key=f"key of {path}", **headers)
                again = await service.post(path, body, key=f'"key of {path}"', **headers)
                pairs.append((path, first, again))
                return first.json()

            person = Person(service, 1)
            entry = (await twice("/claims", **held(await twice("/tickets"))))["pass"]
            account = {"name": "Siti", "phone": person.phone, "email": person.email}
            await twice("/accounts", account, Waiting_Room_Pass=entry)
            request = (await twice("/codes", {"address": person.email}))["code_request"]
            code = await service.code_at(person.email)
            person.token = (await twice("/sessions", {"code_request": request, "code": code}))["token"]
            await twice("/assessment", **person.session)
            await twice("/assessment/submission", **person.session)
            asked = (await service.post("/codes", {"address": person.phone})).json()["code_request"]
            code = await service.code_at(person.phone)
            await twice("/phone/verification", {"code_request": asked, "code": code}, **person.session)
            return pairs, len(service.inbox(person.email)), service.stages

    pairs, messages, stages = run(scenario())
    for path, first, again in pairs:
        assert first.status_code < 300, (path, first.text)
        assert told(first) == told(again), path
    assert messages == 1
    assert len(set(stages)) == len(stages)


def test_fifty_at_once_have_one_effect(run, database_url, tmp_path):
    """Raced repetitions: one ticket, one account, one message; everybody is told the same."""

    async def scenario():
        async with registration(database_url, tmp_path, DATABASE_CONNECTIONS="8") as service:
            person = Person(service, 1)

            async def one(path, body, headers):
                """One client's answer; a busy machine may be told to come back a few times first."""
                for _ in range(10):
                    answer = await service.post(path, body, key="one", **headers)
                    if answer.status_code != 503:
                        break
                return told(answer)

            async def fifty(path, body=None, **headers):
                return set(await asyncio.gather(*(one(path, body, headers) for _ in range(50))))

            tickets = await fifty("/tickets")
            entry = await person.entry()
            accounts = await fifty("/accounts", {"name": "S", "phone": person.phone}, Waiting_Room_Pass=entry)
            codes = await fifty("/codes", {"address": person.phone})
            await service.code_at(person.phone)
            await service.drained()
            async with service.ports.begin() as tx:
                room = await tx.room.read()
            return tickets, accounts, codes, service.inbox(person.phone), room.last_ticket

    tickets, accounts, codes, messages, last_ticket = run(scenario())
    assert [len(answers) for answers in (tickets, accounts, codes)] == [1, 1, 1], (tickets, accounts, codes)
    assert len(messages) == 1
    # A number taken by a request that lost the race passes by; one that found the answer takes none.
    assert last_ticket <= 52


def test_without_the_stored_answer_a_repetition_is_refused(run, database_url, tmp_path):
    """Negative control: the same account under another key is a conflict, so it is the key that makes it safe."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            person = Person(service, 1)
            entry = await person.entry()
            body = {"name": "S", "phone": person.phone}
            first = await service.post("/accounts", body, key="a", Waiting_Room_Pass=entry)
            return first, await service.post("/accounts", body, key="b", Waiting_Room_Pass=entry)

    first, other = run(scenario())
    assert first.status_code == 201
    assert (other.status_code, code_of(other)) == (409, "pass-used")


@pytest.mark.parametrize("change", [{"name": "Budi"}, {"phone": "+628999999999"}, {"email": "x@people.example"}])
def test_a_key_belongs_to_one_body(run, database_url, tmp_path, change):
    """Another body under the same key is refused, and the first effect stays."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            person = Person(service, 1)
            entry = await person.entry()
            body = {"name": "Siti", "phone": person.phone}
            await service.post("/accounts", body, key="a", Waiting_Room_Pass=entry)
            return await service.post("/accounts", body | change, key="a", Waiting_Room_Pass=entry)

    answer = run(scenario())
    assert (answer.status_code, code_of(answer)) == (422, "idempotency-key-reused")


def test_two_people_may_use_the_same_key(run, database_url, tmp_path):
    """A key is looked up together with who asks: nobody is shown another person's answer."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            people = [await (await Person(service, number).sign_up()).sign_in() for number in (1, 2)]
            for person in people:
                await person.post("/assessment", key="same")
                await person.put(f"/assessment/answers/{person.number}", {"choice": 1})
            await people[0].put("/assessment/answers/9", {"choice": 1})
            return [(await person.post("/assessment/submission", key="same")).json() for person in people]

    assert run(scenario()) == [{"answered": 2}, {"answered": 1}]


def test_given_up_anywhere_and_sent_again_is_done_once(run, database_url, tmp_path):
    """A request is cancelled at many moments of its work, of its commit too: the repetition settles it."""
    times = 40

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:

            async def whole():
                began = time.monotonic()
                await service.post("/tickets")
                return time.monotonic() - began

            usual = min([await whole() for _ in range(5)])  # the first one opens connections

            async def given_up(number):
                task = asyncio.create_task(service.post("/tickets", key=f"given up {number}"))
                await asyncio.wait([task], timeout=usual * 2.0 * number / times)
                task.cancel()
                await asyncio.wait([task])
                return task.cancelled()

            cut = [await given_up(number) for number in range(times)]
            sent = [await service.post("/tickets", key=f"given up {number}") for number in range(times)]
            again = [await service.post("/tickets", key=f"given up {number}") for number in range(times)]
            return cut, sent, again, await service.sql("select number from ticket")

    cut, sent, again, tickets = run(scenario())
    assert cut[0] and sum(cut) >= 3, "nobody gave up"
    assert {answer.status_code for answer in sent} == {201}
    assert [told(answer) for answer in sent] == [told(answer) for answer in again]
    assert len(tickets) == times + 5


def test_two_people_who_are_signed_in_may_use_the_same_key_for_a_code(run, database_url, tmp_path):
    """The code for one's own phone is asked for without naming it: the account is what tells two people apart."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            people = [await (await Person(service, number).sign_up()).sign_in() for number in (1, 2)]

            async def ask(person):
                once = Once(route=b"phone", key=b"same", fingerprint=bytes(32), status=202, encode=encode)
                session = token_hash(person.token.encode())
                asked = lambda: ask_phone_code(service.ports, once, session, None)  # noqa: E731
                return (await answered_once(service.ports, once, asked)).body

            return [await ask(person) for person in (*people, people[0])]

    first, other, repeated = run(scenario())
    assert first != other
    assert repeated == first


def test_stored_answers_hold_no_token_in_clear(run, database_url, tmp_path):
    """The answer to POST /sessions is replayed, yet the database does not hold the token."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            bodies = await service.sql("select body from idempotent_answer")
            return person.token, [row["body"] for row in bodies]

    token, bodies = run(scenario())
    assert len(bodies) >= 3
    assert not any(token.encode() in body or body[:1] == b"{" for body in bodies)
