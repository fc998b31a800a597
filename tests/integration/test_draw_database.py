"""The draw of a wave from the joins of the database, and back into it."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

import pytest

from service import draw_database
from service.actions import draws
from service.domain.draws import Outcome
from service.domain.errors import DatabaseBusy
from service.domain.identity import IdentityStatus
from service.domain.wave_errors import WaveRefused
from service.draw_folder import DrawFolder
from service.storage.waves import WaveRows
from tests.integration.draw_room import HOUR, DrawRoom, draw_room
from tests.integration.registration_room import until

CHOSEN, WAITING, WITHDRAWN = Outcome.CHOSEN, Outcome.WAITING, Outcome.WITHDRAWN
WAITING_FOR_A_LOCK = """
    select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
"""


async def seven(room: DrawRoom) -> list[UUID]:
    """A wave of three seats, one of them at most in province 52; seven people in the draw, four who are not."""
    await room.wave()
    tickets = [await room.person(province=52 if number < 3 else 31) for number in range(7)]
    await room.prioritize(tickets[0])
    await room.prioritize(tickets[3])
    return tickets


def test_from_joins_to_places_and_grants(run, database_url, tmp_path):
    """Who may take part is listed, the others learn why not; the draw holds for anybody; what it says is written back,
    and written again it changes nothing."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            tickets = await seven(room)
            left = {
                "identity": await room.person(status=IdentityStatus.PENDING),
                "citizen": await room.person(status=IdentityStatus.MISMATCH),
                "age": await room.person(born=date(2002, 4, 12)),
                "education assessed": await room.person(employment="student", assessed=False),
            }
            frozen = await room.freeze()
            again = await room.freeze()
            other = await room.freeze("another")
            late = await room.connection.fetchval("select account_id from wave_join where id = $1", tickets[0])
            joined = await WaveRows(room.connection).join(uuid4(), 1, late, room.clock.now(), "")
            soon = await room.draw("publish", str(room.folder / "wave-1"))
            await room.run_draw()
            alone = await room.draw("publish", str(room.folder / "wave-1"))
            await room.agree()
            told = [await room.draw("publish", str(room.folder / "wave-1")) for _ in range(2)]
            return (
                tickets,
                left,
                frozen,
                again,
                other,
                joined,
                (soon, alone),
                told,
                await room.outcomes(),
                await room.granted(),
            )

    tickets, left, (frozen, done), again, other, joined, early, told, outcomes, granted = run(scenario())
    assert done, frozen
    assert frozen["tickets"] == 7
    assert frozen["left_out"] == {"identity": 1, "citizen": 1, "age": 1, "education": 1, "assessed": 1}
    assert again[1] and again[0]["commitment"] == frozen["commitment"]
    assert not other[1] and "there is one for a wave" in other[0]
    assert joined is None, "nobody joins after the freeze"
    (soon, drawn), (alone, agreed) = early
    assert not drawn and "run `draw run` first" in soon
    assert not agreed and "two of the staff have to want it" in alone
    wanted = {"wave": 1, "chosen": 3, "waiting": 4, "withdrawn": 0, "had_a_grant": 0, "wanted_by": "Dewi and Budi"}
    assert [said for said, _ in told] == [wanted] * 2
    assert set(outcomes) == set(tickets)
    winners = {ticket for ticket, outcome in outcomes.items() if outcome == CHOSEN}
    assert winners == granted and len(winners) == 3
    assert {tickets[0], tickets[3]} <= winners, "the priority list comes first, and both fit"
    assert len(winners & set(tickets[:3])) == 1, "of province 52 one at most"
    written = (tmp_path / "wave-1.left-out.csv").read_text().splitlines()
    assert sorted(written[1:]) == sorted(f"{ticket.hex},{rules}" for rules, ticket in left.items())
    for program in ([sys.executable, "-I", "check_draw.py"], ["perl", "check_draw.pl"]):
        *interpreter, script = program
        folder = tmp_path / "wave-1"
        checked = subprocess.run([*interpreter, str(folder / script), str(folder)], capture_output=True, timeout=60)
        assert checked.returncode == 0, checked.stderr


def test_interrupted_it_is_done_again(run, database_url, tmp_path, monkeypatch):
    """Batches that stand there stay; the rest follows; nobody has two places or two grants."""
    monkeypatch.setattr(draws, "BATCH", 2)

    class Killed(Exception):
        pass

    def kill(done: int) -> None:
        if done >= 4:
            raise Killed

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await seven(room)
            await room.drawn()
            await room.agree()
            folder = DrawFolder(room.folder / "wave-1")
            with pytest.raises(Killed):
                await draws.place(room.begin, room.clock, 1, draw_database.places(folder), kill)
            half = await room.outcomes()
            published = await room.connection.fetchval("select published_at from wave where id = 1")
            told = await room.draw("publish", str(room.folder / "wave-1"))
            return half, published, told, await room.outcomes(), await room.granted()

    half, published, (told, done), outcomes, granted = run(scenario())
    assert len(half) == 4 and published is None
    assert done and told["chosen"] == 3, told
    assert list(outcomes.items())[:4] == list(half.items())
    assert len(outcomes) == 7 and granted == {ticket for ticket, outcome in outcomes.items() if outcome == CHOSEN}


def test_who_withdraws_makes_room_for_the_next_and_for_nobody_else(run, database_url, tmp_path):
    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await seven(room)
            await room.drawn()
            await room.agree()
            await room.draw("publish", str(room.folder / "wave-1"))
            before = await room.outcomes()
            leaving = next(ticket for ticket, outcome in before.items() if outcome == CHOSEN)
            told = [await room.draw("withdraw", str(room.folder / "wave-1"), leaving.hex) for _ in range(2)]
            after, granted = await room.outcomes(), await room.granted()
            repeated = await room.draw("publish", str(room.folder / "wave-1"))
            nobody = await room.draw("withdraw", str(room.folder / "wave-1"), "no-ticket")
            return leaving, before, told, after, granted, repeated, await room.outcomes(), nobody

    leaving, before, told, after, granted, repeated, at_last, nobody = run(scenario())
    (first, done), (second, _) = told
    assert done, first
    (risen,) = map(UUID, first["moved_up"])
    assert second["moved_up"] == [], "said twice, it is done once"
    assert {ticket for ticket in before if before[ticket] != after[ticket]} == {leaving, risen}
    assert (after[leaving], before[risen], after[risen]) == (WITHDRAWN, WAITING, CHOSEN)
    assert granted == {ticket for ticket, outcome in after.items() if outcome == CHOSEN}
    assert repeated[1] and at_last == after
    assert not nobody[1] and "no-ticket is no ticket" in nobody[0]


def test_publishing_and_withdrawing_take_turns(run, database_url, tmp_path):
    """And freezing, and drawing: each is refused while another one is at work, and done after it."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            tickets = await seven(room)
            await room.drawn()
            await room.agree()
            folder = str(room.folder / "wave-1")
            verbs = [
                ("run", folder, "--beacon", "b34c0n"),
                ("publish", folder),
                ("withdraw", folder, tickets[0].hex),
            ]
            async with draws.alone(room.begin, 1):
                for words in verbs:
                    with pytest.raises(WaveRefused, match="Another one is at work"):
                        await room.draw(*words)
                with pytest.raises(WaveRefused, match="Another one is at work"):
                    await room.freeze()
            before = await room.outcomes()
            return before, [(await room.draw(*words))[1] for words in verbs], await room.granted()

    before, done, granted = run(scenario())
    assert before == {} and done == [True] * 3 and len(granted) == 3


def test_a_withdrawal_that_died_before_the_database_is_done_by_publishing(run, database_url, tmp_path, monkeypatch):
    """The folder knows of it: as many grants as are chosen, and none for who left."""

    async def killed(*_: object) -> None:
        raise InterruptedError

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await seven(room)
            await room.drawn()
            await room.agree()
            folder = str(room.folder / "wave-1")
            await room.draw("publish", folder)
            leaving = min(await room.granted())
            with monkeypatch.context() as patched:
                patched.setattr(draws, "withdraw", killed)
                _, withdrawn = await room.draw("withdraw", folder, leaving.hex)
            told = await room.draw("publish", folder)
            return leaving, withdrawn, told, await room.outcomes(), await room.granted()

    leaving, withdrawn, (told, done), outcomes, granted = run(scenario())
    assert not withdrawn and done and told["withdrawn"] == 1, told
    assert outcomes[leaving] == WITHDRAWN and leaving not in granted
    assert len(granted) == 3 and granted == {ticket for ticket, outcome in outcomes.items() if outcome == CHOSEN}


def test_who_has_a_grant_by_another_wave_gets_no_second_one(run, database_url, tmp_path):
    """Moved up in another wave since the freeze: struck out here, in the folder too, and the next in line follow."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            tickets = await seven(room)
            await room.wave(2)
            await room.drawn()
            await room.agree()
            first = next(iter((room.folder / "wave-1" / "winners.txt").read_text().split()))
            other = uuid4()
            await room.connection.execute(
                """with other as (
                    insert into wave_join (id, wave_id, account_id)
                    select $1, 2, account_id from wave_join where id = $2 returning id, account_id
                )
                insert into wave_grant (nik_index, account_id, wave_id, join_id)
                select nik_index, account_id, 2, other.id from other join identity using (account_id)""",
                other,
                UUID(first),
            )
            told = await room.draw("publish", str(room.folder / "wave-1"))
            verified = await room.draw("verify", str(room.folder / "wave-1"))
            return tickets, UUID(first), other, told, verified, await room.outcomes(), await room.granted()

    _, first, other, (told, done), (verified, holds), outcomes, granted = run(scenario())
    assert done, told
    assert told["had_a_grant"] == 1 and told["chosen"] == 3 and told["withdrawn"] == 1
    assert holds and verified["withdrawn"] == 1
    assert outcomes[first] == WITHDRAWN
    assert granted == {other, *(ticket for ticket, outcome in outcomes.items() if outcome == CHOSEN)}


def test_an_earlier_grant_keeps_out_of_the_list(run, database_url, tmp_path):
    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            tickets = await seven(room)
            async with room.begin() as tx:
                assert await tx.draws.grant(tickets[:1]) == []
            return await room.freeze()

    frozen, done = run(scenario())
    assert done and frozen["tickets"] == 6 and frozen["left_out"] == {"grant": 1}


async def granted_at_once(room: DrawRoom, tickets: Sequence[UUID]) -> int:
    """How many grants there are after everybody was given one in the same moment."""

    async def give(ticket: UUID) -> None:
        while True:
            try:
                async with room.begin() as tx:
                    await tx.draws.grant([ticket])
                return
            except DatabaseBusy:  # no connection came free on a slow machine
                continue

    await asyncio.gather(*map(give, tickets))
    return int(await room.connection.fetchval("select count(*) from wave_grant"))


def test_one_grant_for_a_number_under_fifty_at_once(run, database_url, tmp_path):
    """Fifty accounts that all claim one number: one grant. Without the key of grants there would be fifty."""

    async def scenario():
        async with draw_room(database_url, tmp_path, connections=12) as room:
            await room.wave()
            await room.connection.execute("drop index identity_nik")  # it would never have let them come so far
            first = await room.person()
            tickets = [first, *[await room.person() for _ in range(49)]]
            await room.connection.execute("update identity set nik_index = (select min(nik_index) from identity)")
            once = await granted_at_once(room, tickets)
            await room.connection.execute(
                "delete from wave_grant; alter table wave_grant drop constraint wave_grant_pkey cascade"
            )
            return once, await granted_at_once(room, tickets)

    assert run(scenario()) == (1, 50)


@pytest.mark.parametrize("held", [True, False], ids=["as it is", "without the lock"])
def test_the_freeze_waits_for_whoever_is_joining(run, database_url, tmp_path, held):
    """A join whose transaction was under way at the freeze is in the list. Without its lock it would be lost."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await room.wave()
            account = await room.connection.fetchval(
                "select account_id from wave_join where id = $1", await room.person()
            )
            await room.connection.execute("delete from wave_join")
            joining = room.begin()
            tx = await joining.__aenter__()
            rows = tx.waves
            assert isinstance(rows, WaveRows)
            if held:
                assert await rows.join(uuid4(), 1, account, room.clock.now(), "android")
            else:
                await rows._connection.execute(
                    "insert into wave_join (id, wave_id, account_id) values ($1, 1, $2)", uuid4(), account
                )
            freezing = asyncio.create_task(room.freeze())

            async def waits_or_is_done() -> bool:
                return freezing.done() or bool(await room.connection.fetchval(WAITING_FOR_A_LOCK))

            await until(waits_or_is_done)
            early = freezing.done()
            await joining.__aexit__(None, None, None)
            return early, (await freezing)[0]["tickets"]

    assert run(scenario()) == ((False, 1) if held else (True, 0))


def test_an_open_wave_is_not_frozen_and_one_without_seats_neither(run, database_url, tmp_path):
    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await room.wave(1, open_=True)
            await room.wave(2, seats=0)
            refusals = []
            for wave in (1, 2):
                with pytest.raises(WaveRefused) as refused:
                    await room.freeze(wave=wave)
                refusals.append(str(refused.value))
            soon = await room.draw(
                "freeze", str(room.folder / "wave-1"), "--wave", "1", "--beacon", "b", "--round", "7",
                "--speaks-at", room.clock.now().isoformat(),
            )  # fmt: skip
            return refusals, soon

    (is_open, seatless), (soon, done) = run(scenario())
    assert "is open until" in is_open and "no seats" in seatless
    assert not done and "an hour from now" in soon


def test_an_interrupted_freeze_is_gone_on_with_until_the_beacon_speaks(run, database_url, tmp_path, monkeypatch):
    """With the same words, also when less than the hour is left; after the beacon nothing is committed to."""

    async def killed(*_: object) -> None:
        raise InterruptedError

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await seven(room)
            with monkeypatch.context() as patched:
                patched.setattr(draws, "commit_to", killed)
                said = [await room.freeze()]
            said.append(await room.draw("withdraw", str(room.folder / "wave-1"), uuid4().hex))
            room.clock.ahead += HOUR
            said.append(await room.freeze(round_="8"))
            room.clock.ahead += HOUR
            said.append(await room.freeze())
            room.clock.ahead -= HOUR
            said.append(await room.freeze())
            room.clock.ahead += HOUR
            return [*said, await room.freeze()]

    interrupted, uncommitted, other, late, again, known = run(scenario())
    assert not interrupted[1]
    assert not uncommitted[1] and "run `draw freeze` again" in uncommitted[0]
    assert not other[1] and "frozen with other words" in other[0]
    assert not late[1] and "the beacon has spoken" in late[0]
    assert again[1] and again[0]["tickets"] == 7, again
    assert known == again, "what was committed to in time is said again at any time"


def test_a_folder_of_another_draw_is_not_published(run, database_url, tmp_path):
    """Neither one that was frozen elsewhere, nor one in which somebody was favored."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            await seven(room)
            await room.drawn()
            folder = room.folder / "wave-1"
            winners = folder / "winners.txt"
            honest = winners.read_text()
            winners.write_text("\n".join(reversed(honest.splitlines())) + "\n")
            favored = await room.draw("publish", str(folder))
            winners.write_text(honest)
            await room.connection.execute("update wave set commitment = $1", b"\0" * 32)
            elsewhere = await room.draw("publish", str(folder))
            return favored, elsewhere, await room.outcomes()

    favored, elsewhere, outcomes = run(scenario())
    assert not favored[1] and "winners.txt does not follow" in favored[0]
    assert not elsewhere[1] and "is not the list that was frozen" in elsewhere[0]
    assert outcomes == {}


def test_the_list_is_read_some_thousands_at_a_time(run, database_url, tmp_path, monkeypatch):
    """All of it, and with the reasons of each."""
    monkeypatch.setattr("service.storage.draws.AT_ONCE", 3)

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            tickets = await seven(room)
            found = [batch async for batch in draws.joins(room.begin, 1, date(2020, 4, 11))]
            return tickets, found

    tickets, found = run(scenario())
    assert [len(batch) for batch in found] == [3, 3, 1]
    assert {join.id for batch in found for join, _ in batch} == set(tickets)
    one = {join.id: join for batch in found for join, _ in batch}[tickets[3]]
    assert one.priority and one.province == 31 and one.facts.confirmed and one.facts.resident
