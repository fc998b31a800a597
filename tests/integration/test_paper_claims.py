"""From a row on paper to an account and on to joined; and what keeps invitations from being sent or used twice."""

import asyncio
import re

from service.actions.paper_invitations import invite_person
from service.domain.paper_states import MOST_FAILURES
from service.domain.queues import JobEnd
from tests.integration.paper_room import (
    CODE,
    KSB,
    Invited,
    ask,
    open_office,
    paper,
    papers,
    receive,
    reported,
    send,
    table,
    told,
)
from tests.integration.registration_room import STEPS, Person, code_of, registration


def claim_code(text: str) -> str:
    (code,) = re.findall(CODE, text)
    return str(code)


async def invited(service, folder, rows, *, office=KSB):
    """The rows are on paper, received, and asked to make an account."""
    await open_office(service, office)
    await send(service, folder, table(rows), office=office, name=f"{office}.csv")
    await receive(service, office)
    return await told(service, "invite", office)


async def at_once():
    """A turn that has come."""


async def job_of(service):
    async with service.ports.begin() as tx:
        (job,) = (await tx.queue.claim("invitation", most=10, rate_per_s=-1.0, lease_s=60.0)).jobs
    return job


def test_from_a_paper_row_to_joined(run, database_url, tmp_path):
    """The person types a code and a birth date; all else the office has typed, and the way goes on to the wave."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            asked = await invited(service, tmp_path, papers(3))
            person = Invited(service, paper(2))
            text = await service.message_at(person.phone)
            await service.drained()
            before = await reported(service)
            made = await person.claim(claim_code(text).lower().replace("-", " "))
            account = made.json()
            await person.sign_in(person.phone)
            me = await person.me()
            for step, data in STEPS.items():
                assert (await person.put(f"/profile/{step}", data)).status_code < 300
            for slot in ("identity_card", "selfie"):
                await person.upload(slot)
            await person.take_assessment()
            joined = await person.post(f"/waves/{service.settings.wave_id}/join")
            return asked, text, before, made, account, me, joined, await reported(service), service.stages

    asked, text, before, made, account, me, joined, after, stages = run(scenario())
    assert asked["asked"] == 3 and asked["queue_is_full"] is False
    assert text.startswith("Anda BELUM TERDAFTAR") and len(text) <= 160
    assert before["not_registered_by_step"]["account_invited"] == 3 and before["registered"] == 0
    assert made.status_code == 201
    assert (account["name"], account["phone"][-3:], account["identity"]["status"]) == ("Sri Ayu 2", "002", "pending")
    assert (me["account_id"], me["phone_verified"]) == (account["account_id"], True)
    assert me["identity"]["nik"] == "*" * 12 + paper(2).nik[-4:]
    assert joined.status_code == 201
    assert (after["registered_by_claim"], after["registered_by_themselves"], after["not_registered"]) == (1, 0, 2)
    assert [stages.count(each) for each in ("account_created", "identity_submitted", "wave_joined")] == [1, 1, 1]


def test_who_is_on_paper_and_online_is_one_applicant(run, database_url, tmp_path):
    """Registered online before the invitation: none is sent. Afterwards: the claim finds the account there is."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await open_office(service)
            await send(service, tmp_path, table(papers(2)))
            await receive(service)
            people = [Person(service, number) for number in (101, 102)]
            for person, row in zip(people, papers(2), strict=True):
                person.nik = row.nik
                await (await person.sign_up()).sign_in()
            given = [person.identity(birth_date=paper(1).born.isoformat()) for person in people]
            assert (await people[0].put("/identity", given[0])).status_code == 202
            asked = await told(service, "invite", KSB)
            code = claim_code(await service.message_at(paper(2).phone))
            assert (await people[1].put("/identity", given[1])).status_code == 202
            refused = await Invited(service, paper(2)).claim(code)
            again = await send(service, tmp_path, table([paper(1).but(name="Sri Dewi"), paper(2)]), name="b.csv")
            accounts = await service.sql("select count(*) from account")
            return asked, service.inbox(paper(1).phone), refused, again, await reported(service), accounts[0][0]

    asked, inbox, refused, again, report, accounts = run(scenario())
    assert (asked["asked"], inbox) == (1, [])
    assert (refused.status_code, code_of(refused)) == (409, "identity-number-taken")
    assert (again["has-account"], again["unchanged"]) == (1, 1)
    assert (report["registered_by_themselves"], report["not_registered"], accounts) == (2, 0, 2)


def test_who_stands_in_two_offices_is_invited_once(run, database_url, tmp_path):
    """And made an account of by one office's paper, counts as registered in both."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            first = await invited(service, tmp_path, papers(2))
            second = await invited(service, tmp_path, [paper(2), paper(3)], office="Disnaker Mataram")
            await service.drained()
            (text,) = service.inbox(paper(2).phone)
            made = await Invited(service, paper(2)).claim(claim_code(text))
            return first, second, made, [await reported(service, name) for name in (KSB, "Disnaker Mataram")]

    first, second, made, reports = run(scenario())
    assert (first["asked"], second["asked"], made.status_code) == (2, 1, 201)
    assert [(each["registered_by_claim"], each["registered_by_themselves"]) for each in reports] == [(1, 0), (0, 1)]
    assert [each["not_registered"] for each in reports] == [1, 1]


def test_nobody_is_invited_twice(run, database_url, tmp_path):
    """Asked again; by two at once; and when a worker dies after the gateway took the message: its name is the same."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            await send(service, tmp_path, table(papers(1)))
            await receive(service)
            asked = await asyncio.gather(*(told(service, "invite", KSB) for _ in range(2)))
            job = await job_of(service)
            await service.sql("update job set lease = gen_random_uuid()")  # somebody else has it by now
            lost = await invite_person(service.ports, job, at_once)
            between = await reported(service)
            await service.sql("update job set state = 0, lease = null")
            async with service.worker():
                await service.drained()
            asked.append(await told(service, "invite", KSB))
            ledger = service.partners.gateways["announcement"].ledger.as_json()
            return asked, lost.end, between, service.inbox(paper(1).phone), ledger, await reported(service)

    asked, end, between, inbox, ledger, after = run(scenario())
    assert [each["asked"] for each in sorted(asked, key=lambda each: -each["asked"])] == [1, 0, 0]
    assert end is JobEnd.LOST
    assert (between["not_registered_by_step"]["received"], between["being_invited"]) == (1, 1)
    assert len(inbox) == 1 and ledger["duplicates"] >= 1
    assert after["not_registered_by_step"]["account_invited"] == 1


def test_another_phone_ends_the_invitation(run, database_url, tmp_path):
    """Whoever has the wrong phone cannot use its code any more; the person gets another one."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await invited(service, tmp_path, [paper(1)])
            old = claim_code(await service.message_at(paper(1).phone))
            await service.drained()
            moved = paper(1).but(phone=paper(77).phone)
            said = await send(service, tmp_path, table([moved]), name="b.csv")
            between = await reported(service)
            refused = await Invited(service, paper(1)).claim(old)
            again = await told(service, "invite", KSB)
            new = claim_code(await service.message_at(moved.phone))
            made = await Invited(service, moved).claim(new)
            return said, between, refused, again, old == new, made

    said, between, refused, again, same, made = run(scenario())
    assert said["changed"] == 1 and between["not_registered_by_step"]["received"] == 1
    assert (refused.status_code, code_of(refused), refused.json()["reason"]) == (422, "paper-claim-refused", "wrong")
    assert (again["asked"], same, made.status_code) == (1, False, 201)


def test_a_job_of_an_outdated_invitation_is_dropped(run, database_url, tmp_path):
    """It waits in the queue while the phone is corrected, or while the person registers online."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await invited(service, tmp_path, [paper(1)])
            job = await job_of(service)
            await send(service, tmp_path, table([paper(1).but(phone=paper(77).phone)]), name="b.csv")
            end = (await invite_person(service.ports, job, at_once)).end
            return end, service.partners.gateways["announcement"].ledger.as_json()["asked"], await service.depth()

    assert run(scenario()) == (JobEnd.DROPPED, 0, 0)


def test_a_found_message_opens_nothing(run, database_url, tmp_path):
    """Five wrong birth dates end a code, also for the right one; then the office asks for a new one. A code that is
    nobody's is refused in the same words, and one that is over says so."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await invited(service, tmp_path, papers(2))
            first, second = [Invited(service, row) for row in papers(2)]
            code = claim_code(await service.message_at(first.phone))
            other = claim_code(await service.message_at(second.phone))
            await service.drained()
            refused = [await first.claim(code, birth_date=f"1990-08-{day:02}") for day in range(1, MOST_FAILURES + 1)]
            refused += [await first.claim("0000-0000-0000"), await first.claim(code)]
            again = await told(service, "invite", KSB)
            made = await first.claim(claim_code(await service.message_at(first.phone, number=2)))
            await service.sql("update paper_person set claim_until = now() where account_id is null")
            late = await second.claim(other)
            return refused, again, made, late, await ask(service, "report", KSB)

    refused, again, made, late, _ = run(scenario())
    assert {answer.status_code for answer in refused} == {422}
    reasons = [answer.json()["reason"] for answer in refused]
    assert reasons == ["wrong"] * (MOST_FAILURES + 1) + ["too-many-tries"]
    assert len({answer.text for answer in refused[:-1]}) == 1
    assert (again["asked"], made.status_code) == (1, 201)
    assert (late.status_code, late.json()["reason"]) == (422, "expired")


def test_one_account_for_one_code(run, database_url, tmp_path):
    """Pressed twice it is the same answer, claimed by eight passes at once one account; with a phone that somebody has,
    none."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await invited(service, tmp_path, papers(2))
            first, second = [Invited(service, row) for row in papers(2)]
            code = claim_code(await service.message_at(first.phone))
            other = claim_code(await service.message_at(second.phone))
            answers = await asyncio.gather(*(first.claim(code) for _ in range(8)))
            taken = await second.claim(other, phone=first.phone)
            entry = await second.entry()
            body = {"code": other, "birth_date": second.row.born.isoformat(), "phone": "+628099900000"}
            twice = [await service.post("/paper-claims", body, key="k", Waiting_Room_Pass=entry) for _ in range(2)]
            accounts = await service.sql("select phone from account order by phone")
            return answers, taken, twice, [row["phone"] for row in accounts]

    answers, taken, twice, phones = run(scenario())
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"paper-claimed"}
    assert (taken.status_code, code_of(taken)) == (409, "address-taken")
    assert twice[0].status_code == 201 and twice[0].content == twice[1].content
    assert phones == [paper(1).phone, "+628099900000"]


def test_an_office_s_e_mail_address_opens_no_account(run, database_url, tmp_path):
    """A clerk wrote the same one, the clerk's own, into both rows: both people claim, only one with an address."""
    rows = [[*row.cells[:-1], "clerk@disnaker.example"] for row in papers(2)]

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            await open_office(service)
            await send(service, tmp_path, table([], *rows))
            await receive(service)
            await told(service, "invite", KSB)
            answers = []
            for row, given in zip(papers(2), ({}, {"email": "Sri@people.example"}), strict=True):
                code = claim_code(await service.message_at(row.phone))
                answers.append(await Invited(service, row).claim(code, **given))
            return answers, await service.sql("select email from account order by phone")

    answers, kept = run(scenario())
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [row["email"] for row in kept] == [None, "sri@people.example"]


def test_a_full_queue_leaves_the_others_for_later(run, database_url, tmp_path):
    """We fill it to half; whoever found no room is asked for the next time."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, INVITATION_QUEUE_LIMIT="32") as service:
            asked = [await invited(service, tmp_path, papers(20)), await told(service, "invite", KSB)]
            between = await reported(service)
            async with service.worker():
                await service.drained()
            asked.append(await told(service, "invite", KSB))
            return asked, between

    asked, between = run(scenario())
    assert [(each["asked"], each["queue_is_full"]) for each in asked] == [(16, True), (0, True), (4, False)]
    assert between["being_invited"] == 16
