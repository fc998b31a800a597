"""Tickets: held by their secret, signed by keys that change, ended within a second, drawn together."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from service.actions import joins
from service.actions.once import Once, answered_once
from service.domain.errors import EffectUnknown
from service.room_ports import Join
from tests.integration.registration_room import Person, code_of, held, registration, until


def test_a_ticket_is_worth_nothing_without_its_secret(run, database_url, tmp_path):
    """Seen over a shoulder, in a log or in a proxy: nobody but its holder looks or claims with it."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            one, other = [held((await service.post("/tickets")).json()) for _ in range(2)]
            stolen = {**one, "Waiting_Room_Secret": other["Waiting_Room_Secret"]}
            bare = {"Waiting_Room_Ticket": one["Waiting_Room_Ticket"]}
            looks = [await service.get("/place", **each) for each in (stolen, bare)]
            claims = [await service.post("/claims", **each) for each in (stolen, bare)]
            return looks, claims, await service.get("/place", **one)

    looks, claims, own = run(scenario())
    assert [code_of(each) for each in (*looks, *claims)] == ["ticket-invalid"] * 4
    assert own.status_code == 200


def test_keys_change_while_people_wait(run, database_url, tmp_path):
    """An older ticket is accepted and renewed; when its key is forgotten, only the renewed one is."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            old = held((await service.post("/tickets")).json())
            entry = await Person(service, 1).entry()

            async def signs_with_the_second() -> bool:
                return str((await service.post("/tickets")).json()["ticket"]).startswith("2.")

            await service.sql("update waiting_room set key_id = 2")
            await until(signs_with_the_second)
            place = (await service.get("/place", **old)).json()
            new = {**old, "Waiting_Room_Ticket": place["ticket"]}
            renewed = await service.get("/place", **new, Waiting_Room_Place=place["place_token"])
            account = {"name": "Siti", "phone": "+6280000000001"}
            entered = await service.post("/accounts", account, Waiting_Room_Pass=entry)

            async def refuses_the_first() -> bool:
                return (await service.post("/claims", **old)).status_code == 401

            await service.sql("update waiting_room set oldest_key_id = 2")
            await until(refuses_the_first)
            late = await service.post("/accounts", {**account, "phone": "+6280000000002"}, Waiting_Room_Pass=entry)
            return place, renewed, entered, await service.post("/claims", **new), late

    place, renewed, entered, claimed, late = run(scenario())
    assert place["ticket"].startswith("2.")
    assert code_of(renewed) == "too-early"  # it is the same place, looked at again at once
    assert entered.status_code == 201
    assert claimed.status_code in (201, 409)
    assert code_of(late) == "pass-invalid"


def test_a_revoked_ticket_ends_with_its_pass(run, database_url, tmp_path):
    """Within a second on every replica: no look, no claim, no account. Others go on."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            drawn, other = [(await service.post("/tickets")).json() for _ in range(2)]
            entry = (await service.post("/claims", **held(drawn))).json()["pass"]
            async with service.ports.begin() as tx:
                done = [await tx.room.revoke(drawn["number"]) for _ in range(2)]

            async def is_refused() -> bool:
                return (await service.post("/claims", **held(drawn))).status_code == 401

            await until(is_refused)
            account = await service.post("/accounts", {"name": "S", "phone": "+6280000000001"}, Waiting_Room_Pass=entry)
            return done, account, await service.get("/place", **held(drawn)), await service.get("/place", **held(other))

    done, account, place, other = run(scenario())
    assert done == [True, False]
    assert (code_of(account), code_of(place)) == ("pass-invalid", "ticket-invalid")
    assert other.status_code == 200


def test_joins_of_one_moment_are_one_statement(run, database_url, tmp_path):
    """A hundred at once: every number given once, in a few transactions; alone, one is not held up."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            begun = 0

            def counted(**options):
                nonlocal begun
                begun += 1
                return service.ports.begin(**options)

            join = joins.joins_on(counted)
            together = await asyncio.gather(*(join(Join(b"request %d" % n, b"b" * 16)) for n in range(100)))
            batches = begun
            alone = await join(Join(b"alone", b"b" * 16))
            return together, batches, alone, begun

    together, batches, alone, begun = run(scenario())
    assert sorted(each.number for each in together) == list(range(1, 101))
    assert all(each.first for each in together)
    assert batches <= 2 and begun == batches + 1
    assert alone.number == 101


def test_the_same_requests_at_two_replicas_draw_each_ticket_once(run, database_url, tmp_path):
    """In two orders at the same time, again and again: no deadlock, one number for each request, first told once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            one, other = [joins.joins_on(service.ports.begin) for _ in range(2)]
            rounds = []
            for each in range(5):
                requests = [Join(b"round %d request %d" % (each, n), b"b" * 16) for n in range(30)]
                answers = await asyncio.gather(*map(one, requests), *map(other, reversed(requests)))
                rounds.append((answers[:30], answers[:29:-1]))
            return rounds, await service.sql("select number from ticket")

    rounds, tickets = run(scenario())
    for one, other in rounds:
        assert [each.number for each in one] == [each.number for each in other]
        assert all(a.first != b.first for a, b in zip(one, other, strict=True))
    assert len(tickets) == 150


def test_one_request_pressed_again_and_again_is_one_ticket(run, database_url, tmp_path):
    """Ten times in one moment, and once more when its ticket is known: each is answered, with the same number."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            join = joins.joins_on(service.ports.begin)
            pressed = [Join(b"pressed", b"b" * 16) for _ in range(10)]
            rounds = [await asyncio.gather(*map(join, pressed), join(Join(b"other", b"b" * 16))) for _ in range(2)]
            return rounds, await service.sql("select number from ticket")

    rounds, tickets = run(scenario())
    for answers in rounds:
        assert {each.number for each in answers[:10]} == {rounds[0][0].number}
        assert answers[10].number == rounds[0][10].number != answers[0].number
    assert sum(each.first for each in rounds[0]) == 2 and not any(each.first for each in rounds[1])
    assert len(tickets) == 2


def test_requests_without_a_name_are_tickets_of_their_own(run, database_url, tmp_path):
    """The negative control, idempotency off: the same request twice in one statement draws two."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            named, unnamed = joins.joins_on(service.ports.begin), joins.joins_on(service.ports.begin, named=False)
            same = Join(b"same", b"b" * 16)
            return [await asyncio.gather(each(same), each(same)) for each in (named, unnamed)]

    named, unnamed = run(scenario())
    assert [each.number for each in named] == [1, 1] and [each.first for each in named] == [True, False]
    assert [each.number for each in unnamed] == [2, 3] and all(each.first for each in unnamed)


@pytest.mark.parametrize("named", [True, False])
def test_an_answer_that_is_lost_costs_no_place(run, database_url, tmp_path, named):
    """Nobody said what became of the statement: done again, it finds its number. Without a name the asker is told."""

    switch = "on" if named else "off"

    async def scenario():
        async with registration(database_url, tmp_path, working=False, IDEMPOTENCY=switch) as service:
            lost = 0

            @asynccontextmanager
            async def cut_once(**options):
                nonlocal lost
                async with service.ports.begin(**options) as tx:
                    yield tx
                lost += 1
                if lost == 1:
                    raise EffectUnknown("cut", retry_after_s=1.0, again="connection_lost")

            ports = replace(service.ports, joins=joins.joins_on(cut_once, named=named))
            async with ports.begin(single=True) as tx:
                room = await tx.room.read()

            def encode(made):
                return made.ticket.encode()

            once = Once(route=b"/tickets", key=b"k", fingerprint=b"", status=201, encode=encode)
            try:
                told = await answered_once(ports, once, lambda: joins.issue_ticket(ports, once, room))
            except EffectUnknown:
                told = None
            return told, [row["number"] for row in await service.sql("select number from ticket")]

    told, numbers = run(scenario())
    assert numbers == [1]
    assert (told is not None and told.body.startswith(b"1.1.1.")) if named else told is None
