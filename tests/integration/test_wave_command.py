"""What operators do to waves, from the words they type to what stands on the record."""

import json
from datetime import datetime, timedelta

import pytest

from service import wave_command
from service.domain.wave_errors import WaveRefused
from service.wave_ports import Wave
from tests.integration.draw_room import asked, draw_room

PLANNED = [
    "set", "2", "--opens-at", "2020-04-20T19:00:00+07:00", "--closes-at", "2020-04-23T16:00:00+07:00",
    "--seats", "200000", "--quota", "52=50229", "--quota", "91=1000", "--announce-at", "2020-04-24T10:00:00+07:00",
    "--sms-from", "2020-04-25T07:00:00+07:00", "--sms-until", "2020-04-27T20:00:00+07:00", "--age-on", "2020-04-20",
]  # fmt: skip


def test_a_wave_is_planned_slips_and_is_closed(run, database_url, tmp_path):
    """A day later, as wave 2 was: what is not given stays. Every change is on the record, with who made it."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:

            async def ask(*words: str) -> tuple[str, bool]:
                options = asked(wave_command, *words)
                return await wave_command.run(room.begin, room.vault, room.settings, options, room.clock)

            said = [await ask("list"), await ask(*PLANNED, "--who", "Dewi"), await ask(*PLANNED)]
            slipped = ["--opens-at", "2020-04-21T19:00:00+07:00", "--age-on", "none", "--no-quotas"]
            said.append(await ask("set", "2", *slipped, "--who", "Budi", "--json"))
            listed = json.loads((await ask("list", "--json"))[0])
            with pytest.raises(WaveRefused, match="closes before it opens"):
                await ask("set", "2", "--closes-at", "2020-04-01T16:00:00+07:00")
            with pytest.raises(WaveRefused, match="needs the hours"):
                await ask("set", "3", "--seats", "5")
            said.append(await ask("set", "2", "--quota", "52=1", "--quota", "52=2"))
            async with room.begin() as tx:
                return said, listed, await tx.staff.audit(before=None, most=10)

    said, (wave,), record = run(scenario())
    assert said[0] == ("none", True)
    assert "quotas: - -> 52=50,229, 91=1,000" in said[1][0]
    assert said[2] == ("wave 2 is like this already", True)
    assert said[4] == ("a province has two quotas", False)
    change = json.loads(said[3][0])
    assert change["before"]["quotas"] == {"52": 50229, "91": 1000} and change["after"]["quotas"] == {}
    assert datetime.fromisoformat(wave["opens_at"]) == datetime.fromisoformat("2020-04-21T19:00:00+07:00")
    assert (wave["seats"], wave["age_on"], wave["state"], wave["frozen_at"]) == (200_000, None, "closed", None)
    assert datetime.fromisoformat(wave["sms_until"]) == datetime.fromisoformat("2020-04-27T20:00:00+07:00")
    done = [line for line in record if line.outcome == "done"]
    assert [(line.who, line.verb) for line in done] == [("Budi", "wave-set"), ("Dewi", "wave-set")]
    assert done[0].detail["after"]["quotas"] == {} and done[0].detail["before"]["quotas"] == {
        "52": 50229,
        "91": 1000,
    }


def test_a_wave_is_closed_before_its_time_once(run, database_url, tmp_path):
    """From then on it stays closed: neither the settings nor a second order open it again."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:

            async def close(number: int) -> tuple[str, bool]:
                options = asked(wave_command, "close", str(number), "--json")
                return await wave_command.run(room.begin, room.vault, room.settings, options, room.clock)

            await room.wave(1, open_=True)
            told = [json.loads((await close(1))[0])]
            room.clock.ahead = timedelta(hours=3)
            told.append(json.loads((await close(1))[0]))
            async with room.begin() as tx:
                await tx.waves.put(Wave(1, room.clock.now(), room.clock.now() + timedelta(days=1)))
                following = await tx.waves.following(room.clock.now())
            return told, following

    (first, second), following = run(scenario())
    assert first["changed"] and not second["changed"]
    assert second["after"]["closes_at"] == first["after"]["closes_at"]
    assert following is None


def test_the_settings_move_a_wave_that_nobody_has_set(run, database_url, tmp_path):
    """Negative control of the test above, and what a first start needs."""

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            now = room.clock.now()
            async with room.begin() as tx:
                await tx.waves.put(Wave(1, now, now + timedelta(hours=1)))
                await tx.waves.put(Wave(1, now, now + timedelta(hours=2)))
                return now, await tx.waves.following(now + timedelta(hours=1.5))

    now, wave = run(scenario())
    assert wave is not None and wave.closes_at == now + timedelta(hours=2)
