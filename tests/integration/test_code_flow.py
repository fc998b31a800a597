"""One-time codes: tries, life, resends, budgets, and that an address cannot be found out."""

import asyncio
from datetime import timedelta

import pytest

from service.domain import codes
from tests.integration.registration_room import Person, code_of, registration


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_five_wrong_codes_and_it_is_over(run, database_url, tmp_path):
    """Five wrong tries; then even the right code is refused, and a new request brings a new code."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            asked = (await service.post("/codes", {"address": person.phone})).json()
            code = await service.code_at(person.phone)
            body = {"code_request": asked["code_request"], "code": other_code(code)}
            wrong = [await service.post("/sessions", body) for _ in range(codes.MAX_FAILURES)]
            late = await service.post("/sessions", body | {"code": code})
            again = (await service.post("/codes", {"address": person.phone})).json()
            new = await service.code_at(person.phone, number=2)
            good = await service.post("/sessions", {"code_request": again["code_request"], "code": new})
            return wrong, late, good

    wrong, late, good = run(scenario())
    assert [answer.json()["reason"] for answer in wrong] == ["wrong"] * 5
    assert (late.status_code, code_of(late), late.json()["reason"]) == (422, "code-refused", "too-many-tries")
    assert good.status_code == 201


@pytest.mark.parametrize("channel, life", [("email", 600), ("phone", 300)])
def test_a_code_lives_ten_or_five_minutes(run, database_url, tmp_path, channel, life):
    """Refused a second after its life, accepted before; a used one is not accepted again."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            address = getattr(person, channel)
            asked = (await service.post("/codes", {"address": address})).json()
            body = {"code_request": asked["code_request"], "code": await service.code_at(address)}
            service.clock.ahead = timedelta(seconds=life + 1)
            late = await service.post("/sessions", body)
            service.clock.ahead = timedelta(seconds=life - 10)
            good = await service.post("/sessions", body)
            return late, good, await service.post("/sessions", body)

    late, good, used = run(scenario())
    assert late.json()["reason"] == used.json()["reason"] == "expired"
    assert good.status_code == 201


def test_one_code_opens_one_session(run, database_url, tmp_path):
    """Typed twice in the same moment under two keys: one winner."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            asked = (await service.post("/codes", {"address": person.email})).json()
            body = {"code_request": asked["code_request"], "code": await service.code_at(person.email)}
            return await asyncio.gather(*(service.post("/sessions", body) for _ in range(10)))

    answers = run(scenario())
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9


def test_resends_cool_down_and_carry_the_same_code(run, database_url, tmp_path):
    """30, 60, 120, 120 s; the same code while it lives; after five sends a new request is needed."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            body = {"address": person.email}
            asked = (await service.post("/codes", body)).json()
            again = body | {"code_request": asked["code_request"]}
            early, sent = [], []
            for wait in (30, 60, 120, 120):
                service.clock.ahead += timedelta(seconds=wait - 5)
                early.append(await service.post("/codes", again))
                service.clock.ahead += timedelta(seconds=6)
                sent.append(await service.post("/codes", again))
            service.clock.ahead += timedelta(seconds=121)
            last = await service.post("/codes", again)
            await service.message_at(person.email, number=5)
            return early, sent, last, service.inbox(person.email)

    early, sent, last, messages = run(scenario())
    assert [code_of(answer) for answer in early] == ["resend-too-early"] * 4
    assert all(1 <= int(answer.headers["retry-after"]) <= 6 for answer in early)
    assert [answer.json()["resend_after_s"] for answer in sent] == [60.0, 120.0, 120.0, 120.0]
    assert (last.status_code, code_of(last)) == (429, "too-many-codes")
    assert len(messages) == 5 and len(set(messages)) == 1


@pytest.mark.parametrize("known", [True, False])
def test_an_address_has_a_budget(run, database_url, tmp_path, known):
    """Five requests an hour, known or not, also when they come at once; later it is open again."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            person = Person(service, 1)
            if known:
                await person.sign_up()
            body = {"address": person.phone}
            answers = await asyncio.gather(*(service.post("/codes", body) for _ in range(12)))
            service.clock.ahead = timedelta(hours=1, seconds=1)
            return answers, await service.post("/codes", body)

    answers, later = run(scenario())
    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [429] * 7
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert code_of(refused) == "too-many-codes"
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert later.status_code == 202


def test_known_and_unknown_addresses_look_alike(run, database_url, tmp_path):
    """Same status, headers and fields; the same refusal of a guess; nothing is sent to nobody."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            found = []
            for address in (person.phone, "+6280000000999"):
                asked = await service.post("/codes", {"address": address})
                await service.drained()
                body = {"code_request": asked.json()["code_request"], "code": "000000"}
                guesses = [await service.post("/sessions", body) for _ in range(6)]
                found.append((asked, [guess.json() for guess in guesses]))
            return found, service.inbox("+6280000000999")

    ((known, guesses), (unknown, blind_guesses)), messages = run(scenario())
    assert known.status_code == unknown.status_code == 202
    assert {**known.headers} == {**unknown.headers}
    assert {**known.json(), "code_request": ""} == {**unknown.json(), "code_request": ""}
    assert guesses == blind_guesses
    assert messages == []


def test_a_full_queue_is_an_honest_503(run, database_url, tmp_path):
    """Beyond the bound: 503 with Retry-After, nothing stored, and the same key succeeds when there is room."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, SMS_QUEUE_LIMIT="2", SMS_RATE="1") as service:
            for number in (1, 2):
                await service.post("/codes", {"address": f"+6280{number:09}"})
            full = await service.post("/codes", {"address": "+6280000000003"}, key="third")
            email = await service.post("/codes", {"address": "p000000003@people.example"})
            async with service.worker():
                await service.drained()
                again = await service.post("/codes", {"address": "+6280000000003"}, key="third")
            return full, email, again

    full, email, again = run(scenario())
    assert (full.status_code, code_of(full), full.json()["queue"]) == (503, "queue-full", "sms")
    assert int(full.headers["retry-after"]) >= 1
    assert email.status_code == again.status_code == 202


def test_a_resend_belongs_to_its_address(run, database_url, tmp_path):
    """Another address, an unknown request and a used one are not found."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 1).sign_up()
            asked = (await service.post("/codes", {"address": person.email})).json()["code_request"]
            service.clock.ahead = timedelta(seconds=40)
            other = await service.post("/codes", {"address": person.phone, "code_request": asked})
            unknown = await service.post("/codes", {"address": person.email, "code_request": person.account_id})
            code = await service.code_at(person.email)
            await service.post("/sessions", {"code_request": asked, "code": code})
            return other, unknown, await service.post("/codes", {"address": person.email, "code_request": asked})

    assert [code_of(answer) for answer in run(scenario())] == ["not-found"] * 3


def test_a_phone_is_verified_by_its_own_code_only(run, database_url, tmp_path):
    """An e-mail code, another person's code and an unknown request verify nothing."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            stranger = await Person(service, 2).sign_up()
            by_email = (await service.post("/codes", {"address": person.email})).json()["code_request"]
            email_code = await service.code_at(person.email, number=2)
            foreign = (await service.post("/codes", {"address": stranger.phone})).json()["code_request"]
            foreign_code = await service.code_at(stranger.phone)
            tries = [(by_email, email_code), (foreign, foreign_code), (person.account_id, "123456")]
            answers = [
                await person.post("/phone/verification", {"code_request": request, "code": code})
                for request, code in tries
            ]
            return answers, await person.me()

    answers, me = run(scenario())
    assert [answer.json()["reason"] for answer in answers] == ["wrong"] * 3
    assert not me["phone_verified"]
