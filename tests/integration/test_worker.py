"""The worker, whole: from the job in the database to the partner's inbox and back."""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from scenarios.capacities import AllowanceSpan
from service.actions.handover import hand_over_code
from service.actions.identity_checks import check_identity
from service.domain import codes
from service.domain.codes import Channel
from service.domain.identity import IdentityStatus
from service.domain.queues import JobEnd
from tests.conftest import Run
from tests.integration.worker_room import FAST, HELPFUL, Room, service_room, until


def code_in(text: str) -> str:
    (code,) = re.findall(r"\b(\d{6})\b", text)
    return str(code)


async def handed_at(room: Room, request_id: object) -> datetime | None:
    moment: datetime | None = await room.connection.fetchval(
        "select handed_at from code_request where id = $1", request_id
    )
    return moment


def test_codes_arrive_by_both_channels(run: Run, database_url: str, tmp_path: Path) -> None:
    """The code in the message is the one that the request derives; nothing of it is stored."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, room.worker():
            ann = await room.account(1)
            by_sms = await room.ask_code(ann)
            by_email = await room.ask_code(ann, Channel.EMAIL)
            await room.empty()
            key = room.ports.vault.key("codes")
            assert [code_in(text) for text in room.inbox(1)] == [codes.derive(key, by_sms, 1)]
            assert [code_in(text) for text in room.inbox(1, Channel.EMAIL)] == [codes.derive(key, by_email, 1)]
            assert await handed_at(room, by_sms) is not None
            assert (room.ended("sms", "done"), room.ended("email", "done")) == (1, 1)
            value = room.metrics.registry.get_sample_value
            labels = {"channel": "sms", "quota_bound": "no"}
            assert value("registration_code_handover_seconds_count", labels) == 1
            assert (value("registration_code_handover_seconds_sum", labels) or 0) < 10

    run(scenario())


def test_sent_again_it_is_the_same_code(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, room.worker():
            request_id = await room.ask_code(await room.account(1))
            await room.empty()
            first = await handed_at(room, request_id)
            await room.send_code(request_id)
            await room.empty()
            one, two = room.inbox(1)
            assert one == two
            assert await handed_at(room, request_id) == first

    run(scenario())


def test_a_code_that_nobody_waits_for_is_dropped(run: Run, database_url: str, tmp_path: Path) -> None:
    """Used meanwhile, asked for an address that is nobody's, by an account without e-mail, or gone: nothing is sent."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            used = await room.ask_code(await room.account(1))
            async with room.ports.begin() as tx:
                await tx.codes.use(used, room.ports.clock.now())
            await room.ask_code(None)
            await room.ask_code(await room.account(2, email=False), Channel.EMAIL)
            await room.send_code(uuid4())
            async with room.worker():
                await room.empty()
            assert (room.ended("sms", "dropped"), room.ended("email", "dropped")) == (3, 1)
            assert room.partners.gateways["sms"].ledger.as_json()["asked"] == 0
            assert room.partners.gateways["email"].ledger.as_json()["asked"] == 0

    run(scenario())


def test_the_registry_s_answer_is_stored(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room, room.worker():
            right = await room.account(1)
            await room.ask_check(right)
            await room.empty()
            wrong = await room.account(2)
            await room.ask_check(wrong, 2, right=False)
            await room.empty()
            assert await room.identity_status(right) == IdentityStatus.MATCH
            assert await room.identity_status(wrong) == IdentityStatus.MISMATCH
            assert (room.stage("identity_verified"), room.stage("identity_mismatch")) == (1, 1)

    run(scenario())


def test_an_answer_to_an_older_version_is_not_asked_for(run: Run, database_url: str, tmp_path: Path) -> None:
    """A correction made the check pointless: it is dropped without a call."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            ann = await room.account(1)
            await room.ask_check(ann)
            await room.connection.execute("update identity set version = 2")
            assert await room.handled(check_identity, await room.claim("identity")) is JobEnd.DROPPED
            assert room.partners.registry.ledger.as_json()["asked"] == 0

    run(scenario())


def test_a_late_worker_stores_nothing(run: Run, database_url: str, tmp_path: Path) -> None:
    """Its lease ran out and another worker holds the job: that one's answer counts, also at the partner."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            ann = await room.account(1)
            await room.ask_check(ann)
            await room.ask_code(ann)
            for queue, handle in (("identity", check_identity), ("sms", hand_over_code)):
                late = await room.claim(queue)
                await room.connection.execute("update job set lease_until = now() where id = $1", late.id)
                async with room.ports.begin() as tx:
                    (holder,) = await tx.queue.reap(queue, most=10, lease_s=60.0)
                assert await room.handled(handle, late) is JobEnd.LOST
                assert await room.identity_status(ann) == (
                    IdentityStatus.PENDING if queue == "identity" else IdentityStatus.MATCH
                )
                assert await room.handled(handle, holder) is JobEnd.DONE
            assert len(room.inbox(1)) == 1  # the same key: sent once
            assert room.partners.registry.ledger.as_json()["distinct"] == 1

    run(scenario())


def test_errors_of_the_partner_are_tried_again(run: Run, database_url: str, tmp_path: Path) -> None:
    """The registry fails every other check: with its patience each gets its answer, in one layer of retries."""

    async def scenario() -> None:
        shaky = replace(HELPFUL, error_ratio=0.5)
        async with service_room(database_url, tmp_path, registry=shaky) as room, room.worker():
            people = [await room.account(number) for number in range(6)]
            for number, account_id in enumerate(people):
                await room.ask_check(account_id, number)
            await room.empty()
            assert {await room.identity_status(each) for each in people} <= {
                IdentityStatus.MATCH,
                IdentityStatus.MISMATCH,
            }
            ledger = room.partners.registry.ledger.as_json()
            assert room.ended("identity", "retried") == ledger["errors"] > 0
            assert ledger["distinct"] == room.ended("identity", "done") == 6

    run(scenario())


def test_what_cannot_succeed_becomes_a_dead_letter(run: Run, database_url: str, tmp_path: Path) -> None:
    """A refusal for ever is kept at once, with its class; a job that no handler can read is kept after its tries."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            ann = await room.account(1)
            await room.connection.execute("update account set phone = 'unreadable'")
            await room.ask_code(ann)
            async with room.ports.begin() as tx:
                assert await tx.queue.enqueue("identity", "nonsense", {"account_id": "?"}, limit=10)
            await room.connection.execute("update job set attempts = 39 where queue = 'identity'")
            async with room.worker():
                await room.empty()
            rows = await rows_of(room, "select queue, error, attempts from job where state = 2 order by id")
            assert rows == [("sms", "invalid-fields", 1), ("identity", "ValueError", 40)]
            assert (room.ended("sms", "dead"), room.ended("identity", "dead")) == (1, 1)

    run(scenario())


async def rows_of(room: Room, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await room.connection.fetch(query)]


def test_an_exhausted_allowance_buries_nothing(run: Run, database_url: str, tmp_path: Path) -> None:
    """The registry sends us away until its next day: the check waits, its tries are not used up, and nobody else's is
    asked meanwhile."""

    async def scenario() -> None:
        exhausted = replace(HELPFUL, allowance=(AllowanceSpan(start_s=-10.0, end_s=86_400.0, count=0),))
        async with service_room(database_url, tmp_path, registry=exhausted) as room, room.worker():
            await room.ask_check(await room.account(0), 0)

            async def refused() -> bool:
                return room.ended("identity", "retried") > 0

            async def a_second_old() -> bool:  # four looks at least of a lane that would go on asking
                labels = {"queue": "identity"}
                return (
                    room.metrics.registry.get_sample_value("registration_queue_oldest_age_seconds", labels) or 0
                ) > 1

            await until(refused)
            await room.connection.execute("update job set created_at = now()")
            for number in (1, 2):
                await room.ask_check(await room.account(number), number)
            await until(a_second_old)
            rows = await rows_of(
                room,
                """select state, attempts, error, quota_bound, run_at > now() + interval '50 min' from job
                where error is not null""",
            )
            assert rows == [(0, 0, "allowance_exhausted", True, True)]
            assert room.partners.registry.ledger.as_json()["asked"] == 1

    run(scenario())


def test_the_partner_never_sees_more_than_its_quota(run: Run, database_url: str, tmp_path: Path) -> None:
    """60 codes at 18/s: no refusal at a gateway that takes 30/s and counts for itself; those who waited know why.

    Calls that are on their way arrive in one go where partner and worker share a machine that has no time for them:
    what is between the rates is for half a second of that. Exact is `make acceptance NAME=quota`.
    """

    async def scenario() -> None:
        slow = replace(FAST, rate_per_s=30.0)
        async with service_room(database_url, tmp_path, sms=slow, SMS_RATE="18") as room:
            for number in range(60):
                await room.ask_code(await room.account(number))
            async with room.worker():
                await room.empty()
            ledger = room.partners.gateways["sms"].ledger.as_json()
            assert (ledger["distinct"], ledger["refused"]) == (60, 0)
            assert ledger["most_in_1s"] <= 30
            count = room.metrics.registry.get_sample_value
            bound = {"channel": "sms", "quota_bound": "yes"}
            assert (count("registration_code_handover_seconds_count", bound) or 0) >= 30

    run(scenario())


def test_without_pacing_the_partner_refuses(run: Run, database_url: str, tmp_path: Path) -> None:
    """Negative control: a worker that believes in another rate. A slow one, that a busy machine passes as well."""

    async def scenario() -> None:
        slow = replace(FAST, rate_per_s=2.0)
        async with service_room(database_url, tmp_path, sms=slow, SMS_RATE="1000") as room:
            for number in range(20):
                await room.ask_code(await room.account(number))

            async def refused() -> bool:
                return room.partners.gateways["sms"].ledger.as_json()["refused"] > 0

            async with room.worker():
                await until(refused)

    run(scenario())


def test_a_silent_worker_s_jobs_are_taken_over(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            await room.ask_code(await room.account(1))
            job = await room.claim("sms")  # by a worker that is never heard of again
            await room.connection.execute("update job set lease_until = now() where id = $1", job.id)
            async with room.worker():
                await room.empty()
            assert len(room.inbox(1)) == 1
            assert room.ended("sms", "retried") == 1

    run(scenario())


def test_the_worker_outlives_its_database_connections(run: Run, database_url: str, tmp_path: Path) -> None:
    """Every connection is cut in the middle of the work: what was asked for still arrives, once."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            for number in range(60):
                await room.ask_code(await room.account(number))

            async def under_way() -> bool:
                return room.ended("sms", "done") >= 5

            async with room.worker():
                await until(under_way)
                await cut_connections(room)
                await room.empty()
            assert [len(room.inbox(number)) for number in range(60)] == [1] * 60

    run(scenario())


async def cut_connections(room: Room) -> None:
    await room.connection.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()"""
    )


def test_levels_become_gauges(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        exhausted = replace(FAST, rate_per_s=0.0)
        async with service_room(database_url, tmp_path, sms=exhausted, SMS_RATE="0.001") as room:
            for number in range(3):
                await room.ask_code(await room.account(number))
            value = room.metrics.registry.get_sample_value

            async def seen() -> bool:
                return value("registration_queue_depth", {"queue": "sms"}) == 3.0

            async with room.worker():
                await until(seen)
            assert value("registration_queue_limit", {"queue": "sms"}) == 120_000
            assert (value("registration_queue_oldest_age_seconds", {"queue": "sms"}) or 0) > 0

    run(scenario())
