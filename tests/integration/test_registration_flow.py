"""The whole way from ticket to wave joined, with every part real but the people."""

import asyncpg

from service.storage.ledger import read_ledger
from tests.integration.registration_room import STEPS, Person, Registration, registration, until


def test_an_applicant_goes_the_whole_way(run, database_url, tmp_path):
    """Ticket, account, code, session, identity, profile, photos, phone, assessment, join; the status page says so."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 7).prepare()

            async def matched() -> bool:
                return bool((await person.me())["identity"]["status"] == "match")

            await until(matched)
            await service.drained()  # the photos are inspected in their own time
            joined = await person.post("/waves/1/join")
            me = await person.me()
            connection = await asyncpg.connect(database_url)
            try:
                ledger = await read_ledger(connection, service.ports.photos)
            finally:
                await connection.close()
            late = sum(turns_missed(service, queue) for queue in ("email", "sms"))
            return joined, me, ledger, late, list(service.stages)

    joined, me, ledger, late, stages = run(scenario())
    assert joined.status_code == 201
    assert joined.json()["identity"] == "match"
    assert me["phone"] == "+62********007"
    assert me["identity"]["nik"].startswith("*" * 12)
    assert me["email_verified"] and me["phone_verified"]
    assert set(me["profile_steps"]) == set(STEPS)
    accepted = {"status": "accepted", "reason": None}
    assert me["photos"] == [{"slot": "identity_card", **accepted}, {"slot": "selfie", **accepted}]
    assert me["assessment"] == {"state": "submitted", "answered": 18, "deadline_in_s": 0.0}
    assert me["wave"]["joined_at"] == joined.json()["joined_at"]
    assert {kind: len(entry["ids"]) for kind, entry in ledger.items()} == {
        "accounts": 1,
        "codes": 2,
        "identity_checks": 1,
        "photos": 2,
        "joins": 1,
    }
    assert all(entry["doubled"] == 0 for entry in ledger.values())
    assert ledger["codes"]["attempted"] == 2 + late
    assert ledger["photos"]["missing_bytes"] == []
    assert "identity_verified" in stages
    assert [stage for stage in stages if stage != "identity_verified"] == [
        "ticketed",
        "admitted",
        "account_created",
        "code_verified",
        "identity_submitted",
        "profile_completed",
        "photos_uploaded",
        "phone_verified",
        "assessed",
        "wave_joined",
    ]


def turns_missed(service: Registration, queue: str) -> int:
    """On a busy machine a call may miss its turn: then nobody was asked, and the job was claimed once more."""
    labels = {"queue": queue, "outcome": "late"}
    return int(service.metrics.registry.get_sample_value("registration_queue_jobs_total", labels) or 0)


def test_the_way_by_phone_alone(run, database_url, tmp_path):
    """Without an e-mail address the first code proves the phone; nothing else is asked to verify it."""

    async def scenario():
        async with registration(database_url, tmp_path) as service:
            person = await Person(service, 8).sign_up(with_email=False)
            await person.sign_in(person.phone)
            return await person.me(), list(service.stages)

    me, stages = run(scenario())
    assert me["phone_verified"] and not me["email_verified"]
    assert stages[-2:] == ["code_verified", "phone_verified"]
