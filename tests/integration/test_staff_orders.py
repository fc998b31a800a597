"""What the staff does: by role, once, on the record together with its effect, and with a second person where two are
needed."""

import argparse
import asyncio
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from service import wave_command
from service.actions import draws
from service.actions.draws import Drawn
from service.actions.gatekeeper import Candidate
from service.domain import staff as rules
from service.domain.staff import CONFIRM_WITHIN_S, RULES, Role
from service.domain.staff_errors import SecondPersonNeeded
from service.web.staff_orders import BODIES
from tests.integration.registration_room import code_of
from tests.integration.staff_room import House, Program, house

LOOKS = {
    "status": "/status", "events": "/events", "preview": "/preview?opens_at=2090-01-01T00:00:00Z", "queues": "/queues",
    "waves": "/waves", "proposals": "/proposals", "audit": "/audit", "staff-sessions": "/sessions",
}  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "message": {"message": "Halo"}, "rate": {"people_per_s": 5}, "limit": {"people_per_s": 9}, "inside": {"people": 7},
    "queue-all": {"on": True}, "end-session": {"ticket": 1}, "schedule": {"opens_at": None},
    "queue-quota": {"queue": "sms", "rate_per_s": 400}, "wave-set": {"wave": 1, "seats": 3}, "wave-close": {"wave": 1},
    "draw-publish": {"wave": 1, "commitment": "0" * 64, "seed": "1" * 64, "withdrawn_sha256": "2" * 64},
    "end-staff-session": {"session": str(uuid4())},
}  # fmt: skip
IN_TWO_DAYS = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)


async def open_wave(there: House) -> None:
    """Wave 1 is open since yesterday, and for two days."""
    await there.service.sql(
        "update wave set opens_at = now() - interval '1 day', closes_at = now() + interval '2 days', seats = 1"
    )


def test_each_role_may_what_the_table_says_and_no_more(run, database_url, tmp_path):
    """Every verb by every role and by a program, over HTTP; whatever was refused is on the record."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            await open_wave(there)
            askers = {role: await (await there.add(role.value, role)).sign_in() for role in Role}
            allowed: dict[Any, set[str]] = {}
            everybody: dict[Any, Program] = {**askers, "program": there.program}
            for name, asker in everybody.items():
                allowed[name] = set()
                for verb in RULES:
                    if verb in LOOKS:
                        answer = await asker.get(LOOKS[verb])
                    elif verb == "confirm":
                        answer = await asker.confirm(str(uuid4()))
                    else:
                        answer = await asker.order(verb, ARGUMENTS.get(verb, {}))
                    assert answer.status_code < 500, answer.text
                    if answer.status_code != 403:
                        allowed[name].add(verb)
            return allowed, await there.audit()

    allowed, audit = run(scenario())
    for role in Role:
        assert allowed[role] == {verb for verb in RULES if rules.may(role, verb)}, role
    assert allowed["program"] == allowed[Role.OPERATOR]
    refused = {(line["who"], line["verb"]) for line in audit if line.get("refusal") == "role-too-low"}
    assert refused == {
        (who, verb)
        for who, role in {**{role.value: role for role in Role}, "autoscaler": Role.OPERATOR}.items()
        for verb in RULES
        if not rules.may(role, verb)
    }


def test_orders_are_done_once_and_say_what_was_before(run, database_url, tmp_path):
    orders: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ("queue-quota", {"queue": "sms", "rate_per_s": 400}, {"sms": None}, {"sms": 400.0}),
        ("inside", {"people": 5000}, {"inside_limit": None}, {"inside_limit": 5000}),
        (
            "wave-set",
            {"wave": 1, "closes_at": IN_TWO_DAYS.isoformat(), "seats": 200_000, "quotas": {"52": 50_229}},
            {"seats": 1, "quotas": {}},
            {"seats": 200_000, "quotas": {"52": 50_229}},
        ),
    ]

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            await there.service.sql(
                f"update wave set opens_at = now() - interval '1 day', closes_at = '{IN_TWO_DAYS}', seats = 1"
            )
            done = []
            for verb, body, _, _ in orders:
                key = f"once {verb}"
                done.append(
                    [await sri.order(verb, body, key), await sri.order(verb, body, key), await sri.order(verb, body)]
                )
            other = await sri.order("queue-quota", {"queue": "sms", "rate_per_s": 1}, "once queue-quota")
            room = await sri.order("rate", {"people_per_s": 1}, "once queue-quota")
            looks = [(await sri.get(path)).json() for path in ("/queues", "/status", "/waves")]
            return done, [other, room], looks, await there.audit()

    done, reused, (queues, status, waves), audit = run(scenario())
    for (verb, _, before, after), (first, again, anew) in zip(orders, done, strict=True):
        assert first.json()["changed"] and (first.json()["before"], first.json()["after"]) == (before, after), verb
        assert again.json()["repeated"] and again.json()["after"] == after, verb
        assert not anew.json()["changed"], verb
    assert {code_of(each) for each in reused} == {"idempotency-key-reused"}
    (sms,) = [each for each in queues["queues"] if each["queue"] == "sms"]
    assert sms["quota_by_hand_per_s"] == 400 and status["inside_limit"] == 5000
    assert waves["waves"][0]["seats"] == 200_000 and waves["waves"][0]["quotas"] == {"52": 50_229}
    told = [(line["verb"], line["outcome"]) for line in audit if line["who"] == "Sri"]
    thrice = [(verb, outcome) for verb, *_ in orders for outcome in ("done", "repeated", "unchanged")]
    assert told == [("sign-in", "done"), *thrice, ("queue-quota", "refused"), ("rate", "refused")]


def test_an_order_that_changed_nothing_is_remembered_and_keys_are_those_of_one_person(run, database_url, tmp_path):
    """Sent again after the rate was changed, it stays as it is; a colleague's key is another one, a program's too."""
    slow, quick = {"people_per_s": 5}, {"people_per_s": 9}

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri, budi = [await (await there.add(name)).sign_in() for name in ("Sri", "Budi")]
            answers = [
                await sri.order("rate", slow, "first"),
                await sri.order("rate", slow, "key"),
                await budi.order("rate", quick, "key"),
                await sri.order("rate", slow, "key"),
                await there.program.order("inside", {"people": 7}, "key"),
            ]
            quota = {"queue": "sms", "rate_per_s": None}
            answers += [await sri.order("queue-quota", quota, "quota") for _ in range(2)]
            answers.append(await budi.order("queue-quota", {"queue": "sms", "rate_per_s": 3}, "quota"))
            rates = await there.service.sql("select fixed_rate_per_s from waiting_room")
            return [each.json() for each in answers], rates[0][0]

    answers, rate = run(scenario())
    told = [(each["changed"], each["repeated"]) for each in answers]
    new, same, again = (True, False), (False, False), (False, True)
    assert told == [new, same, new, again, new, same, again, new]
    assert {each["request"] for each in answers} == {"first", "key", "quota"}
    assert rate == 9


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("queue-quota", {"queue": "nothing", "rate_per_s": 4}, "order-refused"),
        ("queue-quota", {"queue": "sms", "rate_per_s": -1}, "invalid-fields"),
        ("inside", {"people": -1}, "invalid-fields"),
        ("wave-set", {"wave": 9, "seats": 4}, "wave-refused"),
        ("wave-set", {"wave": 1, "quotas": {"99": 5}}, "wave-refused"),
        ("wave-set", {"wave": 1, "closes_at": "2020-01-01T00:00:00"}, "invalid-fields"),
        ("wave-set", {"wave": 1, "opens_at": "2099-01-01T00:00:00Z"}, "order-refused"),
        ("end-staff-session", {"session": "Sri"}, "invalid-fields"),
        ("draw-publish", ARGUMENTS["draw-publish"] | {"commitment": "beef"}, "invalid-fields"),
        ("draw-publish", {"wave": 1, "commitment": "0" * 64}, "invalid-fields"),
    ],
)
def test_what_cannot_be_meant_is_refused(standing_house, verb, body, code):
    run, ani = standing_house
    assert code_of(run(ani.order(verb, body))) == code


@pytest.fixture(scope="module")
def standing_house(module_database_url, tmp_path_factory):
    """One house for a table of refusals, none of which changes it, and an administrator."""
    with asyncio.Runner() as runner:
        room = house(module_database_url, tmp_path_factory.mktemp("photos"))
        there = runner.run(room.__aenter__())

        async def signed_in() -> Any:
            await open_wave(there)
            return await (await there.add("Ani", Role.ADMINISTRATOR)).sign_in()

        try:
            yield runner.run, runner.run(signed_in())
        finally:
            runner.run(room.__aexit__(None, None, None))


def test_two_people_close_a_wave_and_one_does_not(run, database_url, tmp_path):
    """Neither the same person again, nor a program, nor a shorter wave by `wave-set`; a second one does."""

    async def closes(there: House) -> datetime:
        closes_at: datetime = (await there.service.sql("select closes_at from wave where id = 1"))[0]["closes_at"]
        return closes_at

    async def scenario():
        async with house(database_url, tmp_path) as there:
            await open_wave(there)
            sri, budi = [await (await there.add(name)).sign_in() for name in ("Sri", "Budi")]
            before = await closes(there)
            shorter = await sri.order("wave-set", {"wave": 1, "closes_at": (datetime.now(UTC)).isoformat()})
            by_program = await there.program.order("wave-close", {"wave": 1})
            proposed = await sri.order("wave-close", {"wave": 1}, "close 1")
            again = await sri.order("wave-close", {"wave": 1}, "close 1")
            proposal = proposed.json()["proposal"]
            alone = [
                await sri.confirm(proposal),
                await there.program.confirm(proposal),
                await budi.confirm(str(uuid4())),
            ]
            waiting = (await budi.get("/proposals")).json()["proposals"]
            assert await closes(there) == before
            confirmed = await budi.confirm(proposal)
            after = await closes(there)
            late = await budi.confirm(proposal)
            empty = (await budi.get("/proposals")).json()["proposals"]
            now = there.service.clock.now()
            return (
                [shorter, by_program, *alone, late],
                (proposed, again),
                (waiting, empty),
                confirmed,
                after,
                now,
                await there.audit(),
            )

    refused, (proposed, again), (waiting, empty), confirmed, after, now, audit = run(scenario())
    codes = ["order-refused", "second-person-needed", "second-person-needed", "second-person-needed", "not-found"]
    assert [code_of(each) for each in refused] == [*codes, "proposal-over"]
    assert refused[-1].json()["reason"] == "done"
    assert again.json() == {**proposed.json(), "repeated": True}
    assert [(each["verb"], each["proposed_by"], each["asked"]) for each in waiting] == [
        ("wave-close", "Sri", {"wave": 1})
    ]
    assert empty == []
    assert confirmed.json()["changed"] and after <= now
    (done,) = [line for line in audit if (line["verb"], line["outcome"]) == ("wave-close", "done")]
    assert (done["who"], done["asked"]["proposed_by"], list(done["after"])) == ("Budi", "Sri", ["closes_at"])


def test_a_proposal_is_over_after_a_while_and_when_its_person_leaves(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            await open_wave(there)
            sri, budi = [await (await there.add(name)).sign_in() for name in ("Sri", "Budi")]
            first = (await sri.order("wave-close", {"wave": 1})).json()["proposal"]
            there.pass_time(CONFIRM_WITHIN_S + 1)
            late = await budi.confirm(first)
            second = (await sri.order("wave-close", {"wave": 1})).json()["proposal"]
            await there.service.sql("update staff set ended_at = now() where name = 'Sri'")
            return late, await budi.confirm(second), await there.service.sql("select from wave where closes_at > now()")

    late, left, still_open = run(scenario())
    assert [(code_of(each), each.json()["reason"]) for each in (late, left)] == [
        ("proposal-over", "expired"),
        ("proposal-over", "left"),
    ]
    assert len(still_open) == 1


def test_the_database_itself_wants_two(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            await open_wave(there)
            await sri.order("wave-close", {"wave": 1})
            await there.service.sql("update staff_proposal set confirmed_by = staff_id, confirmed_at = now()")

    with pytest.raises(asyncpg.CheckViolationError):
        run(scenario())


def test_there_is_no_effect_without_its_line(run, database_url, tmp_path):
    """When the record cannot be written, the order is undone; with the record in order it is done."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            await there.service.sql("alter table staff_audit add constraint broken check (verb <> 'rate')")
            undone = await sri.order("rate", {"people_per_s": 5})
            rates = [(await sri.get("/status")).json()["rate"]]
            await there.service.sql("alter table staff_audit drop constraint broken")
            done = await sri.order("rate", {"people_per_s": 5})
            rates.append((await sri.get("/status")).json()["rate"])
            return undone.status_code, done.status_code, rates

    assert run(scenario()) == (500, 200, ["automatic", "fixed"])


def test_the_limit_inside_holds_from_the_next_beat_on(run, database_url, tmp_path):
    """An operator's number stands in for that of the settings, and 0 lets in any number; null gives it back."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            await there.service.sql("update gate set holder = null")
            leader = await Candidate(uuid4()).look(there.service.ports, lambda: 1000.0, cap=70)
            assert leader is not None
            caps = []
            for people in (5, 0, None):
                await sri.order("inside", {"people": people})
                assert await leader.beat(there.service.ports, lambda: 1000.0)
                caps.append(leader.cap)
            return caps

    assert run(scenario()) == [5, 0, 70]


def test_the_record_is_read_line_by_line(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            for number in range(3):
                await sri.order("message", {"message": f"{number}"})
            newest = (await sri.get("/audit")).json()["audit"]
            older = (await sri.get(f"/audit?before={newest[1]['id']}")).json()["audit"]
            return newest, older, await sri.get("/audit?before=yesterday")

    newest, older, wrong = run(scenario())
    assert [each["detail"]["asked"]["message"] for each in newest[:3]] == ["2", "1", "0"]
    assert older == newest[2:]
    assert (newest[0]["who"], newest[0]["role"], newest[0]["via"]) == ("Sri", "operator", "session")
    assert newest[0]["detail"]["before"] == {"message": "1"} and newest[0]["at"]
    assert code_of(wrong) == "invalid-fields"


def test_every_order_of_the_waiting_room_is_on_the_record(run, database_url, tmp_path):
    """Of a program too, with who is behind it; and the room's own record stays as it was."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            await there.service.post("/tickets")
            for verb in BODIES:
                answer = await there.program.order(verb, ARGUMENTS.get(verb, {}))
                assert answer.status_code == 200, (verb, answer.text)
            events = (await there.program.get("/events")).json()["events"]
            return await there.audit(), events

    audit, events = run(scenario())
    assert [line["verb"] for line in audit] == list(BODIES)
    assert {line["who"] for line in audit} == {"autoscaler"}
    done = [line["verb"] for line in audit if line["outcome"] == "done"]
    assert [event["verb"] for event in reversed(events)] == done


def test_the_shell_publishes_what_two_have_confirmed_and_nothing_else(run, database_url, tmp_path):
    """Of just this draw, and again when it was interrupted; a proposal alone is not enough."""
    draw = Drawn(**ARGUMENTS["draw-publish"])

    async def scenario():
        async with house(database_url, tmp_path) as there:
            ports = there.service.ports

            async def begins(drawn: Drawn = draw) -> bool:
                return await draws.agreement(ports.begin, ports.clock, "Root", drawn) is not None

            sri, budi = [await (await there.add(name)).sign_in() for name in ("Sri", "Budi")]
            begun = [await begins()]
            proposed = await sri.order("draw-publish", asdict(draw))
            begun.append(await begins())
            await budi.confirm(proposed.json()["proposal"])
            begun += [await begins(replace(draw, commitment="f" * 64)), await begins(replace(draw, seed="f" * 64))]
            return [*begun, await begins(), await begins()], await there.audit()

    begun, audit = run(scenario())
    assert begun == [False] * 4 + [True] * 2
    told = [
        (line["outcome"], line.get("by")) for line in audit if line["who"] == "Root" and line["verb"] == "draw-publish"
    ]
    two = ["Sri", "Budi"]
    assert told == [("refused", None)] * 4 + [("begun", two)] * 2


def test_the_shell_closes_no_wave_alone_where_two_may(run, database_url, tmp_path):
    parser = argparse.ArgumentParser()
    wave_command.add_arguments(parser)

    async def scenario():
        async with house(database_url, tmp_path) as there:
            ports, settings = there.service.ports, there.service.settings
            await open_wave(there)

            async def ask(*words: str) -> bool:
                options = parser.parse_args([*words, "--who", "Root"])
                try:
                    return (await wave_command.run(ports.begin, ports.vault, settings, options, ports.clock))[1]
                except SecondPersonNeeded:
                    return False

            await there.add("Sri")
            await there.add("Budi")
            sooner, later = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (1, 3)]
            done = [await ask("close", "1"), await ask("set", "1", "--closes-at", sooner)]
            done.append(await ask("set", "1", "--closes-at", later))
            await there.service.sql("update staff set ended_at = now() where name = 'Sri'")
            return [*done, await ask("close", "1")], await there.audit()

    done, audit = run(scenario())
    assert done == [False, False, True, True]
    told = [(line["verb"], line["outcome"]) for line in audit if line["verb"].startswith("wave")]
    assert told == [
        ("wave-close", "refused"), ("wave-close", "refused"), ("wave-set", "refused"),
        ("wave-set", "done"), ("wave-close", "begun"), ("wave-close", "done"),
    ]  # fmt: skip
