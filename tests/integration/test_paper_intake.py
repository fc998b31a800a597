"""Tables of paper applications, from an office's file to what is kept: whole, repeatable, each row told."""

import argparse
import json
import stat

import pytest

from service import office_command
from service.actions import offices
from service.actions.offices import Held
from service.domain.errors import NotFound
from tests.integration.paper_room import (
    HEAD,
    KSB,
    ask,
    cells_of,
    open_office,
    paper,
    papers,
    receive,
    reported,
    result_of,
    send,
    table,
    told,
)
from tests.integration.registration_room import Person, held, registration

ROWS = "select p::text from paper_person as p order by id"


async def rows(service):
    return [row[0] for row in await service.sql(ROWS)]


def test_1071_papers_never_look_like_registrations(run, database_url, tmp_path):
    """Typed, sent on, received: after each step nobody is registered, and every line about them begins by saying so."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            said = [await send(service, tmp_path, table(papers(1071)), name="ksb.csv")]
            reports = [await reported(service)]
            for step in ("forward", "receive"):
                said.append(await told(service, step, KSB))
                reports.append(await reported(service))
            await Person(service, 5000).sign_up(with_email=False)
            await told(service, "list", KSB, tmp_path / "list.csv")
            again = await told(service, "receive", KSB)
            return said, reports, again, await ask(service, "report", KSB)

    said, reports, again, (text, _) = run(scenario())
    assert (said[0]["rows"], said[0]["added"], said[0]["refused"]) == (1071, 1071, 0)
    assert [each["forwarded" if i else "received"] for i, each in ((1, said[1]), (0, said[2]))] == [1071, 1071]
    assert again["received"] == 0
    for report, state in zip(reports, ("collected", "forwarded", "received"), strict=True):
        assert (report["on_paper"], report["not_registered"], report["registered"]) == (1071, 1071, 0)
        standing = {word: people for word, people in report["not_registered_by_step"].items() if people}
        assert standing == {state: 1071}
    assert "1,071  NOT REGISTERED" in text and "0  REGISTERED" in text
    listed = cells_of(tmp_path / "list.csv")
    assert len(listed) == 1072
    assert all(line[5] == "received" and line[6].startswith("BELUM TERDAFTAR") for line in listed[1:])
    result = result_of(tmp_path, "ksb.csv")
    assert len(result) == 1071
    assert {tuple(line[1:3]) for line in result} == {("added", "collected")}


def test_the_same_table_changes_nothing_and_a_corrected_one_only_what_differs(run, database_url, tmp_path):
    """Also when the older table comes once more after the corrected one: it was taken before."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            first, second = table(papers(40)), table([paper(1).but(name="Sri Ayu Dewi"), *papers(40)[1:], paper(41)])
            states = []
            said = []
            for content in (first, first, second, first, second):
                said.append(await send(service, tmp_path, content))
                states.append(await rows(service))
            return said, states

    said, states = run(scenario())
    counts = [{name: n for name, n in each.items() if isinstance(n, int) and n} for each in said]
    assert counts == [
        {"rows": 40, "added": 40},
        {"rows": 40, "unchanged": 40},
        {"rows": 41, "unchanged": 39, "changed": 1, "added": 1},
        {"rows": 40, "unchanged": 39, "older-file": 1},
        {"rows": 41, "unchanged": 41},
    ]
    assert "note" in said[1] and "note" not in said[2]
    assert states[0] == states[1] and states[2] == states[3] == states[4]
    assert len(states[2]) == 41
    assert [old == new for old, new in zip(states[0], states[2], strict=False)] == [False] + [True] * 39


def test_a_table_that_breaks_off_leaves_nothing(run, database_url, tmp_path):
    """Three parts in, the bytes are no text any more: no row, no table, and the result of before still stands."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            before = await send(service, tmp_path, table(papers(2)))
            kept = await rows(service), result_of(tmp_path), sorted(each.name for each in tmp_path.iterdir())
            path = tmp_path / "a.csv"
            path.write_bytes(table(papers(4500)) + b"\xff\xfe;;;;;\r\n")
            text, done = await ask(service, "import", KSB, path)
            after = await rows(service), result_of(tmp_path), sorted(each.name for each in tmp_path.iterdir())
            return before, kept, text, done, after, await service.sql("select * from paper_file")

    before, kept, text, done, after, files = run(scenario())
    assert before["added"] == 2
    assert not done and "nothing of it was taken" in text and "(encoding)" in text
    assert after == kept
    assert len(files) == 1


def test_no_transaction_waits_for_a_row(run, database_url, tmp_path):
    """The server cuts one in which nothing is said, and a large workbook takes longer to read: a table that breaks off
    after three parts is refused before any begins. What is read stands in no file that somebody could find."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            seen = []

            def begin(*, single=False):
                seen.append(sorted(path.name for path in folder.iterdir()))
                return service.ports.begin(single=single)

            folder = tmp_path / "tables"
            folder.mkdir()
            path = folder / "a.csv"
            path.write_bytes(table(papers(4500)) + b"\xff\xfe;;;;;\r\n")
            refused = await ask(service, "import", KSB, path, begin=begin)
            begun = len(seen)
            path.write_bytes(table(papers(2), ["", *paper(3).cells[1:]]))
            taken = await ask(service, "import", KSB, path, begin=begin)
            return refused, begun, taken, seen

    refused, begun, taken, seen = run(scenario())
    assert (refused[1], begun) == (False, 0)
    assert taken[1] and "added: 2" in taken[0] and "refused: 1" in taken[0]
    ((written, read),) = seen
    assert read == "a.csv" and written.startswith(".a.csv.result.csv.")


def test_every_fault_is_told_by_row_and_the_others_are_taken(run, database_url, tmp_path):
    """Numbers that lost digits, dates of a spreadsheet, rows that stand twice, formulas: each told, none guessed."""
    bad = [
        ["=HYPERLINK(1)", paper(10).nik, *paper(10).cells[2:]],
        ["Sri", "5.20799E+15", *paper(11).cells[2:]],
        ["Sri", paper(12).nik[1:], *paper(12).cells[2:]],
        ["Sri", *paper(13).cells[1:3], "31/02/1990", *paper(13).cells[4:]],
        paper(1).cells,
        ["", "", "", "", "", "x"],
    ]
    fine = ["Sri", *paper(14).cells[1:3], "33102", "80000000014", ""]  # a day's number; the phone has lost its zero

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            said = await send(service, tmp_path, table(papers(2), *bad, fine))
            return said, await service.sql("select row_number from paper_person order by id"), await reported(service)

    said, kept, report = run(scenario())
    assert (said["added"], said["refused"]) == (3, 6)
    assert [row["row_number"] for row in kept] == [2, 3, 10]
    result = result_of(tmp_path)
    assert {int(line[0]) for line in result} == set(range(2, 11))
    faults = {(int(line[0]), line[4], line[5]) for line in result if line[1] == "refused"}
    assert faults >= {
        (4, "name", "formula"),
        (5, "identity_number", "rounded"),
        (6, "identity_number", "not-16-digits"),
        (7, "birth_date", "no-date"),
        (8, "identity_number", "twice"),
        (8, "phone", "twice"),
    }
    assert len([1 for row, *_ in faults if row == 9]) == 6
    assert report["files"][0]["outcomes"] == {"added": 3, "refused": 6}


def test_a_wrong_number_put_right_is_the_same_person(run, database_url, tmp_path):
    """Same name, birth date and phone; a daughter of the same name and phone is somebody else."""
    daughter = paper(3).but(name=paper(1).name, phone=paper(1).phone)
    daughter = daughter.but(nik=daughter.nik[:10] + "02" + daughter.nik[12:], born=daughter.born.replace(year=2002))

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            await send(service, tmp_path, table(papers(2)))
            await receive(service)
            right = paper(1).but(nik=paper(901).nik)
            said = [
                await send(service, tmp_path, table([right, paper(2)])),
                await send(service, tmp_path, table([daughter])),
            ]
            return said, await service.sql("select id, step from paper_person order by id")

    (corrected, added), kept = run(scenario())
    assert (corrected["number-corrected"], corrected["unchanged"], corrected["added"]) == (1, 1, 0)
    assert (added["added"], added["number-corrected"]) == (1, 0)
    assert [row["step"] for row in kept] == [3, 3, 1]


def test_an_office_sees_its_own_people_only(run, database_url, tmp_path):
    """Somebody in the tables of two offices stands in both lists, and nobody else of the other does."""
    other = "Disnaker Surakarta"

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            for name in (KSB, other):
                await open_office(service, name)
            await send(service, tmp_path, table(papers(3)))
            await send(service, tmp_path, table([paper(3), paper(4)]), office=other, name="b.csv")
            for name, file in ((KSB, "ours.csv"), (other, "theirs.csv")):
                await told(service, "list", name, tmp_path / file)
            return await told(service, "report")

    reports = run(scenario())
    assert {each["office"]: each["on_paper"] for each in reports} == {KSB: 3, other: 2}
    ours, theirs = ([line[2] for line in cells_of(tmp_path / name)[1:]] for name in ("ours.csv", "theirs.csv"))
    assert ours == [f"Sri Ayu {n}" for n in (1, 2, 3)]
    assert theirs == [f"Sri Ayu {n}" for n in (3, 4)]


def test_nothing_that_is_written_out_is_a_formula_or_a_number_in_clear(run, database_url, tmp_path):
    """A table may be called like a formula; numbers are masked in lists and sealed in every table of ours."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            await send(service, tmp_path, table(papers(2)), name="=cmd.csv")
            await told(service, "list", KSB, tmp_path / "list.csv")
            found = []
            for name in await service.sql("select tablename from pg_tables where schemaname = 'public'"):
                found += [row[0] for row in await service.sql(f'select t::text from "{name[0]}" as t')]
            return found

    found = run(scenario())
    cells = [cell for line in cells_of(tmp_path / "list.csv") for cell in line]
    assert "'=cmd.csv" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert stat.S_IMODE((tmp_path / "list.csv").stat().st_mode) == 0o600
    private = [paper(1).nik, paper(1).card, paper(1).name, paper(1).phone]
    assert not [each for each in private[:2] if each in "".join(cells)]
    assert paper(1).nik[-4:] in "".join(cells)
    assert not [row for row in found if any(each in row for each in private)]
    assert any("=cmd.csv" in row for row in found)  # the search itself works


def test_a_dry_run_keeps_nothing(run, database_url, tmp_path):
    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            path = tmp_path / "a.csv"
            path.write_bytes(table(papers(3)))
            said = await told(service, "import", KSB, path, "--dry-run")
            return said, await rows(service), (await send(service, tmp_path, table(papers(3))))["added"]

    said, kept, added = run(scenario())
    assert (said["added"], kept, added) == (3, [], 3)


@pytest.mark.parametrize("words", [("forward", "x"), ("invite", "x"), ("report", "x"), ("list", "x", "l.csv")])
def test_an_unknown_office_is_told(run, database_url, tmp_path, words):
    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            given = [tmp_path / word if word.endswith(".csv") else word for word in words]
            with pytest.raises(NotFound):
                await ask(service, *given)
            return json.dumps(sorted(path.name for path in tmp_path.iterdir()))

    assert run(scenario()) == "[]"


def test_a_workbook_is_refused_with_the_way_out(run, database_url, tmp_path):
    """One of before 2007; and a table without the columns that are needed."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await open_office(service)
            said = []
            for content in (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ";".join(HEAD[:2]).encode() + b"\n"):
                (tmp_path / "a.xls").write_bytes(content)
                said.append(await ask(service, "import", KSB, tmp_path / "a.xls"))
            return said

    said = run(scenario())
    assert [done for _, done in said] == [False, False]
    assert "save it as .xlsx" in said[0][0] and "kk is missing" in said[1][0]


def test_accounts_made_at_a_desk_count_as_its_help(run, database_url, tmp_path):
    """While the ticket stands there, after it was forgotten, after the desk removed it; not without an account."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            desk = await offices.sign_in(service.ports, await open_office(service))
            counts = []

            async def seen():
                lines = await office_lines(service)
                counts.append((await reported(service), lines))

            tickets = []
            for number in (1, 2, 3):
                drawn = (await service.post("/tickets")).json()
                taken = Held(drawn["number"], "kursi", drawn["ticket"], drawn["secret"], "")
                await offices.hold_ticket(service.ports, desk.id, taken)
                tickets.append(drawn["number"])
                if number < 3:
                    entry = (await service.post("/claims", **held(drawn))).json()["pass"]
                    body = {"name": "Siti", "phone": f"+6280{number:09d}"}
                    assert (await service.post("/accounts", body, Waiting_Room_Pass=entry)).status_code == 201
                await seen()
            for ticket in tickets[1:]:
                await offices.drop_ticket(service.ports, desk.id, ticket)
            await seen()
            return counts

    counts = run(scenario())
    assert [report["helped_at_the_desk"] for report, _ in counts] == [1, 2, 2, 2]
    assert [(line["helped"], line["held"]) for _, (line,) in counts] == [(1, 0), (2, 0), (2, 1), (2, 0)]


async def office_lines(service):
    parser = argparse.ArgumentParser(exit_on_error=False)
    office_command.add_arguments(parser)
    text, _ = await office_command.run(service.ports.begin, service.ports.vault, parser.parse_args(["list", "--json"]))
    return json.loads(text)
