"""What was saved is shown to whoever comes back; looking changes nothing."""

from datetime import timedelta

import pytest

from service.actions import assessment, profile
from service.actions.sessions import token_hash
from service.domain.assessment import DURATION_S, ITEMS, UNANSWERED
from service.domain.errors import NotSignedIn
from tests.integration.registration_room import STEPS, Person, code_of, registration

STRANGER = token_hash(b"nobody's")


def test_a_profile_step_is_read_as_it_was_put(run, database_url, tmp_path):
    """Each step by itself, the last version; what was never put is None, and nobody else reads it."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            other = await (await Person(service, 2).sign_up()).sign_in()
            await person.put("/profile/work", STEPS["work"] | {"sector": "tekstil"})
            await person.put("/profile/work", STEPS["work"])
            mine, theirs = token_hash(person.token.encode()), token_hash(other.token.encode())
            read = [await profile.read_step(service.ports, mine, step) for step in ("work", "program")]
            with pytest.raises(NotSignedIn):
                await profile.read_step(service.ports, STRANGER, "work")
            return read, await profile.read_step(service.ports, theirs, "work")

    assert run(scenario()) == ([STEPS["work"], None], None)


def test_looking_at_the_test_starts_nothing(run, database_url, tmp_path):
    """None, running with what was answered, over when the time is; submitted stays submitted."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            mine = token_hash(person.token.encode())
            seen = [await assessment.read_progress(service.ports, mine)]
            seen.append(await assessment.read_progress(service.ports, mine))
            await person.post("/assessment")
            await person.put("/assessment/answers/3", {"choice": 2})
            seen.append(await assessment.read_progress(service.ports, mine))
            service.clock.ahead += timedelta(seconds=DURATION_S)
            seen.append(await assessment.read_progress(service.ports, mine))
            await person.post("/assessment/submission")
            seen.append(await assessment.read_progress(service.ports, mine))
            with pytest.raises(NotSignedIn):
                await assessment.read_progress(service.ports, STRANGER)
            return seen

    seen = run(scenario())
    assert [each.state for each in seen] == ["none", "none", "running", "over", "submitted"]
    assert [each.answered for each in seen] == [0, 0, 1, 1, 1]
    assert seen[2].answers == (UNANSWERED, UNANSWERED, 2, *[UNANSWERED] * (ITEMS - 3))
    assert DURATION_S - 30 < seen[2].left <= DURATION_S
    assert {each.left for each in seen if each.state != "running"} == {0.0}


def test_a_regency_lies_in_its_province(run, database_url, tmp_path):
    """Four digits name the province again: the two must agree. Two digits are within the province given."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await (await Person(service, 1).sign_up()).sign_in()
            refused = await person.put("/profile/personal", STEPS["personal"] | {"province": 32})
            short = await person.put("/profile/personal", STEPS["personal"] | {"regency": 72})
            return refused, short, await person.me()

    refused, short, me = run(scenario())
    assert (refused.status_code, code_of(refused)) == (422, "invalid-fields")
    assert [(fault["field"], fault["code"]) for fault in refused.json()["errors"]] == [("regency", "other-province")]
    assert short.status_code == 204 and me["profile_steps"] == ["personal"]
