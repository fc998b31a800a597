"""Identity data: asked in the background, correctable, one person for one number."""

import asyncio

import pytest

from scenarios.identity_numbers import family_card_of
from tests.integration.registration_room import Person, code_of, registration, until


def reaches(person: Person, status: str):
    async def there() -> bool:
        return bool((await person.me())["identity"]["status"] == status)

    return until(there)


def test_a_mismatch_is_corrected_without_typing_anything_else(run, database_url, tmp_path):
    """A wrong digit ends in mismatch; corrected it matches; then it is settled, the same data excepted."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            wrong = person.identity(family_card_number=family_card_of(person.nik[::-1]))
            wrong["family_card_number"] = person.nik[:12] + "0007"
            first = await person.put("/identity", wrong)
            await reaches(person, "mismatch")
            second = await person.put("/identity", person.identity())
            await reaches(person, "match")
            same = await person.put("/identity", person.identity())
            other = await person.put("/identity", wrong)
            return first, second, same, other, await person.me()

    first, second, same, other, me = run(scenario())
    assert first.json() | {"check_id": ""} == {"check_id": "", "status": "pending", "corrections_left": 3}
    assert second.json()["corrections_left"] == 2
    assert same.json() == second.json() | {"status": "match"}
    assert (other.status_code, code_of(other)) == (409, "identity-settled")
    assert me["identity"]["status"] == "match" and me["identity"]["corrections_left"] == 2


def test_the_same_data_twice_ask_once(run, database_url, tmp_path):
    """Pressed ten times at once: one check, one answer."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            person = Person(service, 1)
            async with service.worker():
                await (await person.sign_up()).sign_in()
            answers = await asyncio.gather(*(person.put("/identity", person.identity()) for _ in range(10)))
            return answers, await service.depth()

    answers, depth = run(scenario())
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["check_id"] for answer in answers}) == 1
    assert depth == 1


def test_three_corrections_and_no_more(run, database_url, tmp_path):
    """The fifth different set of data is refused; the last one stays."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            answers = []
            for serial in range(1, 6):
                changed = person.identity(family_card_number=f"{person.nik[:12]}{serial:04}")
                answers.append(await person.put("/identity", changed))
            return answers

    answers = run(scenario())
    assert [answer.json().get("corrections_left") for answer in answers[:4]] == [3, 2, 1, 0]
    assert (answers[4].status_code, code_of(answers[4])) == (409, "no-corrections-left")


def test_a_number_belongs_to_one_account(run, database_url, tmp_path):
    """Fifty accounts give the same number at once: one holds it; a mismatch gives it free again."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            people = [Person(service, number) for number in range(8)]
            async with service.worker():
                for person in people:
                    await (await person.sign_up(with_email=False)).sign_in(person.phone)
            wrong = people[0].identity(family_card_number=people[0].nik[:12] + "0007")
            answers = await asyncio.gather(*(person.put("/identity", wrong) for person in people))
            winner = next(person for person, answer in zip(people, answers, strict=True) if answer.status_code == 202)
            async with service.worker():
                await reaches(winner, "mismatch")
                other = people[0] if winner is not people[0] else people[1]
                after = await other.put("/identity", people[0].identity())
            return answers, after

    answers, after = run(scenario())
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"identity-number-taken"}
    assert after.status_code == 202


def test_under_age_is_told_at_once_and_never_asked(run, database_url, tmp_path):
    """Not eligible without a check, one day before 18 on the day that counts; a mistyped date can be corrected."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            young = await person.put("/identity", person.identity(birth_date="2002-04-12"))
            depth = await service.depth()
            right = await person.put("/identity", person.identity())
            await reaches(person, "match")
            outcomes = await service.sql("select outcome from identity_check order by version")
            return young, depth, right, [row["outcome"] for row in outcomes]

    young, depth, right, outcomes = run(scenario())
    assert young.json()["status"] == "not_eligible"
    assert depth == 0
    assert right.json()["status"] == "pending"
    assert outcomes == [3, 1]


def test_a_full_registry_queue_is_an_honest_503(run, database_url, tmp_path):
    """Nothing is stored, so the same data succeed later."""

    async def scenario():
        async with registration(
            database_url, tmp_path, working=False, IDENTITY_QUEUE_LIMIT="1", CIVIL_REGISTRY_RATE="0.01"
        ) as service:
            people = [Person(service, number) for number in range(2)]
            async with service.worker():
                for person in people:
                    await (await person.sign_up()).sign_in()
            await people[0].put("/identity", people[0].identity())
            full = await people[1].put("/identity", people[1].identity())
            labels = {"queue": "identity", "outcome": "refused"}
            refused = service.metrics.registry.get_sample_value("registration_queue_jobs_total", labels)
            return full, await people[1].me(), refused

    full, me, refused = run(scenario())
    assert refused == 1
    assert (full.status_code, code_of(full), full.json()["queue"]) == (503, "queue-full", "identity")
    assert 1 <= int(full.headers["retry-after"]) <= 120
    assert me["identity"]["status"] == "none"


@pytest.mark.parametrize("switch, status", [("on", 202), ("off", 422)])
def test_synthetic_districts_need_the_switch(run, database_url, tmp_path, switch, status):
    """District 99 does not exist; only a rehearsal accepts it."""

    async def scenario():
        async with registration(database_url, tmp_path, SYNTHETIC_PEOPLE=switch) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            return await person.put("/identity", person.identity())

    assert run(scenario()).status_code == status


def test_numbers_never_stand_in_the_database_in_clear(run, database_url, tmp_path):
    """Identity number, card and birth date are in no column of any table, also not in queue rows."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            await person.put("/identity", person.identity())
            found = []
            for table in await service.sql("select tablename as name from pg_tables where schemaname = 'public'"):
                rows = await service.sql(f'select t::text as text from "{table["name"]}" t')
                found += [row["text"] for row in rows]
            return person, found

    person, rows = run(scenario())
    assert len(rows) > 10
    secrets = [person.nik, person.identity()["family_card_number"], person.nik.encode().hex()]
    assert not [row for row in rows if any(secret in row for secret in secrets)]
    assert any(person.phone in row for row in rows)  # the search itself works
