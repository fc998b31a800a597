"""A commit whose answer never came: it is found out what became of it; nothing is done twice, nothing is lost."""

from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from service.domain.errors import DatabaseBusy
from tests.integration.commit_cutter import CommitCutter, Cut
from tests.integration.registration_room import Person, code_of, registration


class OneCut(CommitCutter):
    """Cuts the first commit after `next` was set, and no other."""

    next: Cut | None = None

    def _drawn(self, is_commit: bool) -> Cut | None:
        if is_commit:
            cut, self.next = self.next, None
            return cut
        return None


@asynccontextmanager
async def cut_room(database_url, folder, **settings):
    """The service, its database behind a cutter."""
    async with (
        OneCut(database_url, seed=1) as cutter,
        registration(cutter.url, folder, working=False, **settings) as service,
    ):
        yield service, cutter


@pytest.mark.parametrize(
    ("cut", "outcome"), [(Cut.NEVER_SENT, "undone"), (Cut.ON_ITS_WAY, "done"), (Cut.ANSWER_LOST, "done")]
)
def test_commit_of_unknown_fate_is_found_out(run, database_url, tmp_path, cut, outcome):
    """Whoever asked hears nothing of it; there is one account, and the same request finds the same answer."""

    async def scenario():
        async with cut_room(database_url, tmp_path) as (service, cutter):
            person = Person(service, 1)
            entry = await person.entry()
            body = {"name": "Siti", "phone": person.phone}
            cutter.next = cut
            first = await service.post("/accounts", body, key="a", Waiting_Room_Pass=entry)
            again = await service.post("/accounts", body, key="a", Waiting_Room_Pass=entry)
            accounts = await service.sql("select id from account")
            return first, again, accounts, cutter.cuts, service.metrics.of(service.metrics.commits_unknown, "outcome")

    first, again, accounts, cuts, outcomes = run(scenario())
    assert cuts == {cut: 1}
    assert first.status_code == 201 and first.content == again.content
    assert [str(row["id"]) for row in accounts] == [first.json()["account_id"]]
    assert outcomes == {"done": 0, "undone": 0, "open": 0} | {outcome: 1}


@pytest.mark.parametrize("cut", [Cut.NEVER_SENT, Cut.ANSWER_LOST])
def test_without_a_key_to_look_by_the_asker_is_told(run, database_url, tmp_path, cut):
    """Negative control: the switch is off, so nobody can find out, and nothing is done blindly a second time."""

    async def scenario():
        async with cut_room(database_url, tmp_path, IDEMPOTENCY="off") as (service, cutter):
            cutter.next = cut
            answer = await service.post("/codes", {"address": "+6280000000001"})
            requests = await service.sql("select 1 from code_request")
            return answer, len(requests), service.metrics.of(service.metrics.commits_unknown, "outcome")

    answer, requests, outcomes = run(scenario())
    assert (answer.status_code, code_of(answer)) == (503, "effect-unknown")
    assert int(answer.headers["retry-after"]) >= 1
    assert requests == (cut is Cut.ANSWER_LOST)
    assert outcomes == {"done": 0, "undone": 0, "open": 1}


def test_unknown_put_is_simply_put_again(run, database_url, tmp_path):
    """Identity data put twice are put once, whatever became of the first commit."""

    async def scenario():
        async with cut_room(database_url, tmp_path) as (service, cutter):
            async with service.worker():
                person = await (await Person(service, 1).sign_up()).sign_in()
            cutter.next = Cut.ANSWER_LOST
            answer = await person.put("/identity", person.identity())
            checks = await service.sql("select id from identity_check")
            return answer, checks, cutter.cuts

    answer, checks, cuts = run(scenario())
    assert cuts == {Cut.ANSWER_LOST: 1}
    assert answer.status_code == 202
    assert [str(row["id"]) for row in checks] == [answer.json()["check_id"]]


@pytest.mark.parametrize(("cut", "counted"), [(Cut.ANSWER_LOST, 1), (Cut.NEVER_SENT, 0)])
def test_wrong_code_is_refused_whatever_became_of_its_count(run, database_url, tmp_path, cut, counted):
    """A refusal is no answer to find again; done once more, the one wrong try would be counted as two."""

    async def scenario():
        async with cut_room(database_url, tmp_path) as (service, cutter):
            async with service.worker():
                person = await Person(service, 1).sign_up()
                asked = (await service.post("/codes", {"address": person.phone})).json()["code_request"]
                right = await service.code_at(person.phone)
            typed = {"code_request": asked, "code": f"{(int(right) + 1) % 1_000_000:06}"}
            cutter.next = cut
            answer = await service.post("/sessions", typed)
            failures = await service.sql("select failures from code_request")
            return answer, failures[0]["failures"], cutter.cuts

    answer, failures, cuts = run(scenario())
    assert cuts == {cut: 1}
    assert (answer.status_code, code_of(answer)) == (422, "code-refused")
    assert failures == counted


def test_settling_waits_no_longer_than_for_any_lock(run, database_url, tmp_path):
    """Whoever stores an answer and does not end keeps its fate open; when it has ended, it is settled."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            scope = bytes(32)
            holder = await asyncpg.connect(database_url)
            try:
                storing = holder.transaction()
                await storing.start()
                row = "insert into idempotent_answer (scope, fingerprint, status, body) values ($1, '', 0, '')"
                await holder.execute(row, scope)
                with pytest.raises(DatabaseBusy):
                    async with service.ports.begin() as tx:
                        answers: Any = tx.answers
                        await answers._connection.execute("set local lock_timeout = '50ms'")
                        await tx.answers.is_settled(scope)
                await storing.rollback()
            finally:
                await holder.close()
            async with service.ports.begin() as tx:
                settled = await tx.answers.is_settled(scope)
            return settled, await service.sql("select 1 from idempotent_answer")

    assert run(scenario()) == (True, [])
