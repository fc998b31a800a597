"""Steps taken out of order, twice, too late or by the wrong person: told what is missing, nothing breaks."""

from datetime import timedelta

import pytest

from tests.integration.registration_room import STEPS, Person, code_of, registration


def test_joining_names_what_is_missing(run, database_url, tmp_path):
    """A new account lacks five steps, and each step taken shortens the list."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            missing = []

            async def look() -> None:
                answer = await person.post("/waves/1/join")
                assert (answer.status_code, code_of(answer)) == (409, "steps-missing")
                missing.append(answer.json()["missing"])

            await look()
            await person.put("/identity", person.identity())
            await look()
            for step, data in STEPS.items():
                await person.put(f"/profile/{step}", data)
            await look()
            await person.upload("identity_card")
            await look()
            await person.upload("selfie")
            await look()
            await person.verify_phone()
            await look()
            await person.take_assessment(answers=3)
            joined = await person.post("/waves/1/join")
            again = await person.post("/waves/1/join")
            return missing, joined, again

    missing, joined, again = run(scenario())
    assert missing == [
        ["identity", "profile", "photos", "phone", "assessment"],
        ["profile", "photos", "phone", "assessment"],
        ["photos", "phone", "assessment"],
        ["photos", "phone", "assessment"],
        ["phone", "assessment"],
        ["assessment"],
    ]
    assert joined.status_code == again.status_code == 201
    assert joined.json()["join_id"] == again.json()["join_id"]


@pytest.mark.parametrize(
    "opens, closes, code",
    [("2099-01-01T00:00:00+07:00", "2100-01-01T00:00:00+07:00", "wave-not-open"),
     ("2020-01-01T00:00:00+07:00", "2020-02-01T00:00:00+07:00", "wave-closed")],
)  # fmt: skip
def test_a_wave_has_hours(run, database_url, tmp_path, opens, closes, code):
    """Before and after, joining is refused whatever was done."""

    async def scenario():
        hours = {"WAVE_OPENS_AT": opens, "WAVE_CLOSES_AT": closes}
        async with registration(database_url, tmp_path, **hours) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            return await person.post("/waves/1/join")

    answer = run(scenario())
    assert (answer.status_code, code_of(answer)) == (409, code)
    assert (code == "wave-closed") == ("retry-after" not in answer.headers)


def test_who_joined_in_time_is_told_so_after_the_close(run, database_url, tmp_path):
    """The join there is, is found also when the wave has closed: a lost answer can be asked for again."""

    async def scenario():
        async with registration(database_url, tmp_path, WAVE_CLOSES_AT="2099-01-01T00:00:00+07:00") as service:
            person = await Person(service, 1).prepare()
            in_time = await person.post("/waves/1/join")
            service.clock.ahead = timedelta(days=36500)
            return in_time, await person.post("/waves/1/join")

    in_time, later = run(scenario())
    assert in_time.status_code == later.status_code == 201
    assert in_time.json()["joined_at"] == later.json()["joined_at"]


def test_under_age_people_cannot_join(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            await person.put("/identity", person.identity(birth_date="2015-01-01"))
            return await person.post("/waves/1/join")

    answer = run(scenario())
    assert (answer.status_code, code_of(answer)) == (403, "not-eligible")


def test_the_assessment_keeps_its_own_time(run, database_url, tmp_path):
    """No answers before the start or after 25 minutes; a second start shows the same clock; the end counts once."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            before = await person.put("/assessment/answers/1", {"choice": 0})
            unstarted = await person.post("/assessment/submission")
            first = await person.post("/assessment")
            service.clock.ahead = timedelta(minutes=24)
            second = await person.post("/assessment")
            kept = await person.put("/assessment/answers/1", {"choice": 0})
            changed = await person.put("/assessment/answers/1", {"choice": 3})
            service.clock.ahead = timedelta(minutes=25, seconds=5)
            late = await person.put("/assessment/answers/2", {"choice": 0})
            me = await person.me()
            ends = [await person.post("/assessment/submission") for _ in range(2)]
            return before, unstarted, first, second, kept, changed, late, me, ends, service.stages

    before, unstarted, first, second, kept, changed, late, me, ends, stages = run(scenario())
    assert code_of(before) == code_of(unstarted) == "assessment-not-started"
    assert len(first.json()["items"]) == 18 and first.json()["deadline_in_s"] == 1500.0
    assert all(len(item["options"]) == 4 and "right" not in item for item in first.json()["items"])
    assert 50 <= second.json()["deadline_in_s"] <= 60
    assert kept.status_code == changed.status_code == 204
    assert (late.status_code, code_of(late)) == (409, "assessment-over")
    assert me["assessment"] == {"state": "over", "answered": 1, "deadline_in_s": 0.0}
    assert [end.json() for end in ends] == [{"answered": 1}] * 2
    assert stages.count("assessed") == 1


def test_sessions_end(run, database_url, tmp_path):
    """A session outlasts the wave by a day, at most two weeks; afterwards it is as none."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            (row,) = await service.sql("select extract(epoch from expires_at - now())::float8 as left from session")
            await service.sql("update session set expires_at = now()")
            return row["left"], await person.post("/assessment")

    left, answer = run(scenario())
    assert 13.9 * 86400 < left <= 14 * 86400
    assert (answer.status_code, code_of(answer)) == (401, "not-signed-in")


def test_addresses_and_passes_are_used_once(run, database_url, tmp_path):
    """A second account needs its own ticket, phone and e-mail."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            person = Person(service, 1)
            entry = await person.entry()
            body = {"name": "Siti", "phone": person.phone, "email": person.email}
            await service.post("/accounts", body, Waiting_Room_Pass=entry)
            used = await service.post("/accounts", body | {"phone": "08999999999"}, Waiting_Room_Pass=entry)
            phone = await service.post("/accounts", body | {"email": None}, Waiting_Room_Pass=await person.entry())
            email = await service.post(
                "/accounts", body | {"phone": "08999999999"}, Waiting_Room_Pass=await person.entry()
            )
            spelled = await service.post(
                "/accounts", {"name": "S", "phone": "0" + person.phone[3:]}, Waiting_Room_Pass=await person.entry()
            )
            return used, phone, email, spelled

    used, *taken = run(scenario())
    assert (used.status_code, code_of(used)) == (409, "pass-used")
    assert [(answer.status_code, code_of(answer)) for answer in taken] == [(409, "address-taken")] * 3
