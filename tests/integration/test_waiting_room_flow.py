"""The waiting room over HTTP: order, pauses, claims, one gatekeeper."""

from datetime import timedelta
from uuid import uuid4

from service.actions import claims
from service.actions.gatekeeper import Candidate
from service.actions.once import Once
from service.domain.errors import TurnNotReached
from service.domain.tickets import Shown
from service.web import health
from service.web.board import BoardCopy
from tests.integration.registration_room import code_of, held, registration, until


async def at_rate(service, frontier: float, rate: float = 0.5) -> None:
    """Set the frontier, and wait until the board's copy shows it."""
    async with service.ports.begin() as tx:
        await tx.room.move(frontier=frontier, rate_per_s=rate, state="open", reason="")

    async def shown() -> bool:
        return bool((await service.get("/board")).json()["rate_per_s"] == rate)

    await until(shown)


def test_a_ticket_waits_for_its_turn(run, database_url, tmp_path):
    """Told place, range and pause; a claim before the turn is refused; at its turn the same pass each time."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await at_rate(service, 2.0)
            drawn = [(await service.post("/tickets")).json() for _ in range(40)]
            last = drawn[-1]
            early = await service.post("/claims", **held(last))
            first = [await service.post("/claims", **held(drawn[0])) for _ in range(2)]
            await at_rate(service, 40.0, 0.25)
            place = await service.get("/place", **held(last))
            turn = await service.post("/claims", **held(last))
            return last, early, first, place.json(), turn, service.stages

    last, early, first, place, turn, stages = run(scenario())
    assert last["place"]["state"] == "waiting" and last["number"] == 40 and last["place"]["ahead"] == 37
    low, high = last["place"]["wait_s"]
    assert low <= 37 / 0.5 + 1.0 <= high
    assert (early.status_code, code_of(early)) == (409, "turn-not-reached")
    assert int(early.headers["retry-after"]) >= early.json()["poll_after_s"]
    assert [answer.json()["pass"] for answer in first] == [first[0].json()["pass"]] * 2
    assert (place["state"], place["ahead"], place["wait_s"]) == ("invited", 0, [0.0, 2.0])
    assert turn.status_code == 201
    assert stages.count("admitted") == 2


def test_who_was_told_to_come_in_by_another_replica_is_let_in(run, database_url, tmp_path):
    """Our copy of the room is older than the copy that said "invited": the claim looks at the room itself."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await at_rate(service, 10.0, 5.0)
            drawn = [Shown(*held((await service.post("/tickets")).json()).values()) for _ in range(40)]
            async with service.ports.begin() as tx:
                old = await tx.room.read()
                await tx.room.move(frontier=12.0, rate_per_s=5.0, state="open", reason="")

            async def claim(number: int) -> str:
                once = once_of(number)
                try:
                    await claims.claim_pass(service.ports, once, old, drawn[number - 1])
                except TurnNotReached:
                    return "refused"
                return "let in"

            return {number: await claim(number) for number in (12, 13, 40)}

    def once_of(number: int) -> Once:
        return Once(route=b"POST /claims", key=b"%d" % number, fingerprint=b"", status=201, encode=lambda _: b"{}")

    assert run(scenario()) == {12: "let in", 13: "refused", 40: "refused"}


def test_asking_too_early_is_refused_without_a_look(run, database_url, tmp_path):
    """429 with Retry-After before the agreed moment, whatever the number of tries; afterwards an answer."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await at_rate(service, 0.0)
            drawn = (await service.post("/tickets")).json()
            other = (await service.post("/tickets")).json()
            headers = {
                **held(drawn),
                "Waiting_Room_Place": drawn["place"]["place_token"],
            }
            early = [await service.get("/place", **headers) for _ in range(3)]
            service.clock.ahead = timedelta(seconds=drawn["place"]["poll_after_s"])
            good = await service.get("/place", **headers)
            mixed = await service.get("/place", **{**headers, **held(other)})
            forged = await service.get("/place", **{**headers, "Waiting_Room_Place": "1.1.AAAAAAAAAAAAAAAAAAAAAA"})
            return early, good, mixed, forged

    early, good, mixed, forged = run(scenario())
    assert [(answer.status_code, code_of(answer)) for answer in early] == [(429, "too-early")] * 3
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in early)
    assert good.status_code == 200
    assert code_of(mixed) == code_of(forged) == "place-token-invalid"


def test_a_new_start_of_the_room_ends_old_tickets(run, database_url, tmp_path):
    """After an operator's reset a ticket of the old epoch is no ghost in the new line."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            drawn = (await service.post("/tickets")).json()
            await service.sql("update waiting_room set epoch = 2")

            async def shown() -> bool:
                return bool((await service.get("/board")).json()["epoch"] == 2)

            await until(shown)
            return await service.get("/place", **held(drawn))

    assert code_of(run(scenario())) == "ticket-invalid"


def test_one_gatekeeper_leads(run, database_url, tmp_path):
    """A second one follows while the first ticks, and takes over when it has not for a while, by a clock of its own."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, GATE_RATE="10") as service:
            await service.sql("update gate set holder = null")
            await service.sql("select setval('ticket_number', 100000)")
            now = [1000.0]
            first, second = Candidate(uuid4()), Candidate(uuid4())
            leader = await first.look(service.ports, lambda: now[0])
            assert leader is not None
            leads = await leader.beat(service.ports, lambda: now[0])
            follows = []
            for _ in range(4):
                follows.append(await second.look(service.ports, lambda: now[0]))
                now[0] += 1.0
                assert await leader.tick(service.ports, lambda: now[0])
            while (new := await second.look(service.ports, lambda: now[0])) is None:
                now[0] += 0.5
            takes_over = await new.beat(service.ports, lambda: now[0])
            old = await leader.tick(service.ports, lambda: now[0]), await leader.beat(service.ports, lambda: now[0])
            return leads, follows, now[0], takes_over, old

    leads, follows, at, takes_over, old = run(scenario())
    assert follows == [None] * 4
    assert 1007.0 <= at <= 1008.0
    assert 0 < takes_over.room.frontier - leads.room.frontier <= 2.0 * 10 + 0.001
    assert old == (False, None)


def test_the_board_is_small_public_and_costs_no_query(run, database_url, tmp_path, monkeypatch):
    """At most 300 bytes, cacheable for a second, and served from the copy while the database is away."""
    monkeypatch.setattr(health, "READY_WITHIN", 3600.0)

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            board = await service.get("/board")
            async with service.ports.begin() as tx:
                room = await tx.room.read()
            copy = BoardCopy()
            reason = "Antrean dijeda sebentar. " * 40 + "\u0646" * 400
            copy.show(type(room)(9, 1e9, 1e9, "paused", reason, 10**9, room.moved_at, 0.0), room.moved_at)
            (name,) = await service.sql("select current_database() as name")
            await service.sql(f"alter database {name['name']} allow_connections false", elsewhere=True)
            await service.sql(
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name['name']}'",
                elsewhere=True,
            )
            away = await service.get("/board")
            live = await service.get("/health/live")

            async def is_not_ready():
                return (await service.get("/health/ready")).status_code != 200

            before = await is_not_ready()
            monkeypatch.setattr(health, "READY_WITHIN", 1.5)
            await until(is_not_ready)
            ready = await service.get("/health/ready")
            refused = await service.post("/tickets")
            return board, copy, away, live, before, ready, refused

    board, copy, away, live, before, ready, refused = run(scenario())
    assert not before  # nobody asks the database for it: that it is away is seen by the board's next looks
    assert board.headers["cache-control"] == "public, max-age=1"
    assert set(board.json()) == {
        "epoch", "state", "now_serving", "rate_per_s", "last_ticket", "poll_s", "computed_at", "reason",
    }  # fmt: skip
    assert len(copy.answer.body) <= 300
    assert away.content == board.content
    assert live.status_code == 200
    assert (ready.status_code, code_of(ready)) == (503, "unavailable")
    assert (refused.status_code, code_of(refused)) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1
