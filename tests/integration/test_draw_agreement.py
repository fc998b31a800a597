"""What two people have confirmed of a draw is what is published: this seed, and nobody struck out by hand."""

from pathlib import Path
from typing import Any

from tests.integration.draw_room import DrawRoom, draw_room


async def drawn_room(room: DrawRoom) -> Path:
    """A wave of three seats and seven people that is drawn; two people want it published as it is."""
    await room.wave()
    for _ in range(7):
        await room.person()
    await room.drawn()
    await room.agree()
    return room.folder / "wave-1"


async def draw_anew(room: DrawRoom, folder: Path, beacon: str) -> None:
    """Forget the result, and draw by another word."""
    (folder / "result.json").unlink()
    told, done = await room.draw("run", str(folder), "--beacon", beacon)
    assert done, told


async def record(room: DrawRoom) -> list[tuple[str, str, str]]:
    rows = await room.connection.fetch("select who, verb, outcome from staff_audit where verb like 'draw%' order by id")
    return [(row["who"], row["verb"], row["outcome"]) for row in rows]


def test_the_seed_is_what_two_have_confirmed_and_stays(run, database_url, tmp_path):
    """Other dice need two people again; once the publication has begun, not even two can take others."""

    async def scenario() -> Any:
        async with draw_room(database_url, tmp_path) as room:
            folder = await drawn_room(room)
            await draw_anew(room, folder, "another word")
            before = await room.draw("publish", str(folder))
            await draw_anew(room, folder, "b34c0n")
            published = await room.draw("publish", str(folder))
            granted = await room.granted()
            await draw_anew(room, folder, "another word")
            await room.agree()
            after = [
                await room.draw("publish", str(folder)),
                await room.draw("withdraw", str(folder), min(granted).hex, "--who", "Root"),
            ]
            return before, published, after, granted, await room.granted()

    before, published, after, granted, at_last = run(scenario())
    assert not before[1] and "two of the staff have to want it" in before[0]
    assert published[1] and len(granted) == 3, published
    for told, done in after:
        assert not done and "another draw" in told
    assert at_last == granted


def test_who_is_struck_out_by_hand_is_what_two_have_confirmed(run, database_url, tmp_path):
    async def scenario() -> Any:
        async with draw_room(database_url, tmp_path) as room:
            folder = await drawn_room(room)
            (tmp_path / "struck").write_text((folder / "winners.txt").read_text()[:32] + "\n")
            strike = ("run", str(folder), "--beacon", "b34c0n", "--withdrawn", str(tmp_path / "struck"))
            assert (await room.draw(*strike))[1]
            alone = await room.draw("publish", str(folder))
            await room.agree()
            together = await room.draw("publish", str(folder))
            (tmp_path / "struck").write_text((folder / "winners.txt").read_text()[:32] + "\n")
            assert (await room.draw(*strike))[1]
            later = [
                await room.draw("publish", str(folder)),
                await room.draw("withdraw", str(folder), (await room.granted()).pop().hex),
            ]
            return alone, together, later

    alone, together, later = run(scenario())
    assert not alone[1] and "two of the staff have to want it" in alone[0]
    assert together[1] and together[0]["withdrawn"] == 1, together
    assert [done for _, done in later] == [False, False]


def test_a_withdrawal_is_on_the_record_with_its_effect(run, database_url, tmp_path):

    async def scenario() -> Any:
        async with draw_room(database_url, tmp_path) as room:
            folder = await drawn_room(room)
            await room.draw("publish", str(folder), "--who", "Root")
            leaving = min(await room.granted())
            await room.draw("withdraw", str(folder), leaving.hex, "--who", "Wati")
            detail = await room.connection.fetchval(
                "select detail from staff_audit where verb = 'draw-withdraw' and detail ? 'asked' and outcome = 'done'"
                " order by id limit 1"
            )
            return leaving, await record(room), detail, await room.granted()

    leaving, lines, detail, granted = run(scenario())
    assert leaving not in granted and len(granted) == 3
    assert lines == [
        ("Root", "draw-publish", "begun"), ("Wati", "draw-withdraw", "begun"),
        ("Wati", "draw-withdraw", "done"), ("Wati", "draw-withdraw", "done"),
    ]  # fmt: skip
    assert detail["asked"] == {"wave": 1, "struck": [leaving.hex]}
