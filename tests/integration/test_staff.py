"""Signing in at the operators' listener: password and code, sessions, and who is on the record."""

import argparse
import asyncio
import json

import asyncpg
import pytest

from service import staff_command
from service.actions import staff
from service.domain.callers import WINDOW_S, WRONG_OF_NAME
from service.domain.staff import MOST_FAILURES, SESSION_S, Role
from service.domain.staff_errors import LastAdministrator
from tests.integration.registration_room import code_of
from tests.integration.staff_room import CHEAP, SHELL, house

WRONG = {"password": "0000-0000-0000-0000", "code": "000000", "name": "Nobody"}


def test_a_session_needs_name_password_and_code_and_lasts_a_shift(run, database_url, tmp_path):
    """The three refusals cannot be told apart; a code is good once; after eight hours the token opens nothing."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await there.add("Sri")
            refused = [await sri.try_to_sign_in(**{field: wrong}) for field, wrong in WRONG.items()]
            unusable = [
                await sri.try_to_sign_in(code="x" * 21),
                await sri.try_to_sign_in(name="Sri\0"),
                await there.http.get("/status", headers={}),
            ]
            first = sri.code()
            await sri.sign_in()
            again = await sri.try_to_sign_in(code=first)
            works = [(await sri.get("/status")).status_code]
            there.pass_time(SESSION_S - 1)
            works.append((await sri.get("/status")).status_code)
            there.pass_time(2)
            works.append((await sri.get("/status")).status_code)
            await sri.sign_in()
            out = [(await sri.sign_out()).status_code, (await sri.get("/status")).status_code]
            return refused, unusable, again, works, out, await there.audit()

    refused, unusable, again, works, out, audit = run(scenario())
    assert {(each.status_code, each.text) for each in (*refused, again)} == {(422, refused[0].text)}
    assert [each.status_code for each in unusable] == [422, 422, 401]
    assert works == [200, 200, 401] and out == [200, 401]
    told = [(line["who"], line["verb"], line["outcome"]) for line in audit]
    tries = [
        ("Sri", "refused"),
        ("Sri", "refused"),
        ("", "refused"),
        ("Sri", "done"),
        ("Sri", "refused"),
        ("Sri", "done"),
    ]
    assert told == [
        ("Root", "staff-add", "done"),
        *((who, "sign-in", outcome) for who, outcome in tries),
        ("Sri", "sign-out", "done"),
    ]


def test_wrong_codes_are_counted_and_wrong_passwords_are_not(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await there.add("Sri")
            for _ in range(WRONG_OF_NAME - 1):
                await sri.try_to_sign_in(password=WRONG["password"])
            first = await sri.try_to_sign_in()
            for _ in range(MOST_FAILURES):
                await sri.try_to_sign_in(code="000000")
            there.pass_time(60)
            shut = await sri.try_to_sign_in()
            stranger = await sri.try_to_sign_in(password=WRONG["password"])
            there.pass_time(3600)
            return first, shut, stranger, await sri.try_to_sign_in()

    first, shut, stranger, later = run(scenario())
    assert first.status_code == later.status_code == 200
    assert (shut.status_code, code_of(shut)) == (429, "too-many-staff-codes")
    assert 3000 < int(shut.headers["retry-after"]) <= 3600
    assert stranger.status_code == 422


def test_junk_from_one_address_keeps_nobody_out_who_comes_from_elsewhere(run, database_url, tmp_path):
    """Nor does it fill the record. Control: from the junk's own address the right password is not looked at."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await there.add("Sri")
            stranger = there.caller("203.0.113.7")
            junk = [(await sri.try_to_sign_in(stranger, password=WRONG["password"])).status_code for _ in range(20)]
            lines = len(await there.audit())
            at_once = [sri.try_to_sign_in(stranger, name=f"Nobody {number}") for number in range(30)]
            flood = asyncio.gather(*at_once)
            elsewhere = await sri.try_to_sign_in(there.caller("198.51.100.4"))
            here = await sri.try_to_sign_in(stranger)
            flooding = [each.status_code for each in await flood]
            there.pass_time(WINDOW_S + 1)
            return junk, lines, elsewhere, here, flooding, await sri.try_to_sign_in(stranger), dict(there.refused)

    junk, lines, elsewhere, here, flooding, later, refused = run(scenario())
    assert junk == [422] * WRONG_OF_NAME + [429] * (20 - WRONG_OF_NAME)
    assert lines == 1 + WRONG_OF_NAME
    assert elsewhere.status_code == later.status_code == 200
    assert (here.status_code, code_of(here)) == (429, "too-many-sign-ins") and int(here.headers["retry-after"]) >= 1
    assert flooding.count(422) == 2 and set(flooding) == {422, 429}, "two of them are looked at"
    assert refused["password"] == WRONG_OF_NAME + 2 and refused["address"] == 15 + 28 + 1


@pytest.mark.parametrize(("proxy", "last"), [("192.0.2.1", 422), ("", 429)], ids=["proxy", "none"])
def test_the_address_is_what_the_proxy_says_and_nobody_else(run, database_url, tmp_path, proxy, last):
    """Control: without a proxy in the settings the header is anybody's word, and is not read."""

    async def scenario():
        async with house(database_url, tmp_path, proxy=proxy) as there:
            sri, found = await there.add("Sri"), []
            for number in range(WRONG_OF_NAME + 1):
                caller = there.caller("192.0.2.1", {"Caller-Address": f"203.0.113.{number}"})
                found.append((await sri.try_to_sign_in(caller, password=WRONG["password"])).status_code)
            return found

    assert run(scenario())[-1] == last


def test_one_code_opens_one_session_however_many_try_at_once(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await there.add("Sri")
            code = sri.code()
            tries = [sri.try_to_sign_in(there.caller(f"198.51.100.{place}"), code=code) for place in range(5)]
            return [each.status_code for each in await asyncio.gather(*tries)]

    assert sorted(run(scenario())) == [200, 422, 422, 422, 422]


def test_nothing_that_opens_stands_in_the_database_in_clear(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            sri = await (await there.add("Sri")).sign_in()
            await sri.order("message", {"message": "Halo"})
            tables = ("staff", "staff_session", "staff_audit")
            rows = [
                str(row[0]) for each in tables for row in await there.service.sql(f"select t::text from {each} as t")
            ]
            return sri, rows

    sri, rows = run(scenario())
    token = sri.headers["Authorization"].removeprefix("Bearer ")
    secrets = [
        token,
        sri.papers.password,
        sri.papers.password.replace("-", ""),
        sri.papers.secret,
        token.encode().hex(),
    ]
    assert len(rows) >= 4 and not [each for each in secrets if any(each in row for row in rows)]


def test_a_reset_and_an_end_sign_out_at_once(run, database_url, tmp_path):
    """The old password and the old secret open nothing; who was ended may be taken back, with new ones."""

    async def scenario():
        async with house(database_url, tmp_path) as there:
            begin, vault, clock = there.service.ports.begin, there.service.ports.vault, there.service.clock
            await there.add("Ani", Role.ADMINISTRATOR)
            sri = await (await there.add("Sri")).sign_in()
            papers = await staff.reset(begin, vault, clock, SHELL, "Sri", CHEAP)
            assert papers is not None
            there.pass_time(60)
            seen = [(await sri.get("/status")).status_code, (await sri.try_to_sign_in()).status_code]
            sri.papers = papers
            await sri.sign_in()
            seen.append((await sri.get("/status")).status_code)
            ended = [await staff.end(begin, clock, SHELL, "Sri"), await staff.end(begin, clock, SHELL, "Sri")]
            there.pass_time(60)
            seen += [(await sri.get("/status")).status_code, (await sri.try_to_sign_in()).status_code]
            return seen, ended, (await (await there.add("Sri", Role.VIEWER)).sign_in()).papers.role

    assert run(scenario()) == ([401, 422, 200, 401, 422], [True, False], "viewer")


def test_the_last_administrator_stays(run, database_url, tmp_path):
    """Of two who are ended in one moment one stays, whoever comes first; a third one may go while another is there."""

    async def ended(there, name):
        try:
            return await staff.end(there.service.ports.begin, there.service.clock, SHELL, name)
        except LastAdministrator:
            return "last"

    async def scenario():
        async with house(database_url, tmp_path) as there:
            for name in ("Ani", "Sri", "Tuti"):
                await there.add(name, Role.ADMINISTRATOR)
            await there.add("Budi")
            first = await ended(there, "Tuti")
            both = await asyncio.gather(ended(there, "Ani"), ended(there, "Sri"))
            left = await there.service.sql("select name from staff where role = 'administrator' and ended_at is null")
            return first, both, len(left), await ended(there, "Budi"), await there.audit()

    first, both, left, other, audit = run(scenario())
    assert first is True and other is True
    assert sorted(map(str, both)) == ["True", "last"] and left == 1
    assert ("staff-end", "refused", "last-administrator") in [
        (a["verb"], a["outcome"], a.get("refusal")) for a in audit
    ]


def test_an_administrator_sees_sessions_and_ends_them(run, database_url, tmp_path):
    async def scenario():
        async with house(database_url, tmp_path) as there:
            ani = await (await there.add("Ani", Role.ADMINISTRATOR)).sign_in()
            sri = await (await there.add("Sri")).sign_in()
            found = (await ani.get("/sessions")).json()["sessions"]
            (hers,) = [each["session"] for each in found if each["name"] == "Sri"]
            ended = [(await ani.order("end-staff-session", {"session": hers})).json() for _ in range(2)]
            return found, ended, (await sri.get("/status")).status_code, (await ani.get("/status")).status_code

    found, ended, hers, mine = run(scenario())
    assert {each["name"] for each in found} == {"Ani", "Sri"}
    assert [each["changed"] for each in ended] == [True, False] and ended[0]["after"] == {"Sri": "signed out"}
    assert (hers, mine) == (401, 200)


def test_the_record_is_only_added_to(run, database_url, tmp_path):
    """Whoever holds the database's password changes no line by mistake or by a statement; adding works."""
    statements = [
        "update staff_audit set who = 'x'",
        "delete from staff_audit",
        "truncate staff_audit",
        "delete from room_event",
    ]

    async def scenario():
        async with house(database_url, tmp_path) as there:
            await there.add("Sri")
            for statement in statements:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only added to"):
                    await there.service.sql(statement)
            await there.add("Ani")
            return await there.audit()

    assert [line["asked"]["name"] for line in run(scenario())] == ["Sri", "Ani"]


def test_what_is_typed_at_the_shell(run, database_url, tmp_path):
    """Password and secret are told once, and open the door; the list and the record tell no secret."""

    parser = argparse.ArgumentParser()
    staff_command.add_arguments(parser)

    async def scenario():
        async with house(database_url, tmp_path) as there:
            ports, settings = there.service.ports, there.service.settings

            async def ask(*words):
                options = parser.parse_args(words)
                return await staff_command.run(ports.begin, ports.vault, settings, options, there.service.clock)

            said = [
                await ask(),
                await ask("add", " Sri  Rahayu ", "--role", "administrator", "--who", "Root", "--json"),
            ]
            said.append(await ask("add", "Sri Rahayu", "--role", "viewer"))
            papers = json.loads(said[1][0])
            said += [await ask("reset", "Sri Rahayu"), await ask("reset", "Budi"), await ask("end", "Budi")]
            with pytest.raises(LastAdministrator):
                await ask("end", "Sri Rahayu")
            return papers, [
                *said,
                await ask("list", "--json"),
                await ask("list"),
                await ask("audit"),
                await ask("audit", "--json"),
            ]

    papers, said = run(scenario())
    assert [done for _, done in said] == [True, True, False, True, False, False, True, True, True, True]
    assert said[0][0] == "none" and papers["name"] == "Sri Rahayu"
    assert papers["address"].startswith("otpauth://totp/launchnight:Sri%20Rahayu?secret=" + papers["secret"])
    (line,) = json.loads(said[6][0])
    assert (line["name"], line["role"], line["sessions"], line["ended"]) == ("Sri Rahayu", "administrator", 0, None)
    outcomes = [each["outcome"] for each in json.loads(said[9][0])]
    assert outcomes == ["refused", "refused", "refused", "done", "refused", "done"]
    assert "last-administrator" in said[8][0].splitlines()[0]
    assert not [text for text, _ in said[6:] if papers["secret"] in text or papers["password"] in text]
