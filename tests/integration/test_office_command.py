"""What operators do with labor offices, from the words they type to what an office meets."""

import argparse
import json

import pytest

from service import office_command
from service.actions import offices
from service.domain.errors import OfficeCodeRefused
from tests.integration.registration_room import registration


def ask(service, *words):
    """What is printed, and whether it could be done."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    office_command.add_arguments(parser)
    return office_command.run(service.ports.begin, service.ports.vault, parser.parse_args(words))


def test_an_office_is_added_renewed_and_ended(run, database_url, tmp_path):
    """The code is told once and opens the desk; a new one replaces it; after the end none opens it."""

    async def opens(service, code):
        try:
            return (await offices.sign_in(service.ports, code)).name
        except OfficeCodeRefused:
            return ""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            said = [await ask(service), await ask(service, "add", " Disnaker   Solo ", "--json")]
            first = json.loads(said[-1][0])["access_code"]
            opened = [await opens(service, first)]
            said.append(await ask(service, "add", "Disnaker Solo"))
            said.append(await ask(service, "renew", "Disnaker Solo", "--json"))
            second = json.loads(said[-1][0])["access_code"]
            opened += [await opens(service, first), await opens(service, second)]
            said += [await ask(service, "end", "Disnaker Solo"), await ask(service, "end", "Disnaker Solo")]
            said += [await ask(service, "renew", "Disnaker Sala"), await ask(service, "list", "--json")]
            opened.append(await opens(service, second))
            rows = [row[0] for row in await service.sql("select o::text from labor_office as o")]
            return said, opened, rows, (first, second)

    said, opened, rows, codes = run(scenario())
    assert [done for _, done in said] == [True, True, False, True, True, False, False, True]
    assert said[0][0] == "none"
    (line,) = json.loads(said[-1][0])
    assert (line["office"], line["held"], line["ended"] is None) == ("Disnaker Solo", 0, False)
    assert opened == ["Disnaker Solo", "", "Disnaker Solo", ""]
    halves = {code.replace("-", "")[8:] for code in codes}
    assert len(halves) == 2 and not any(half in row for half in halves for row in rows)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x07b"])
def test_a_name_that_no_page_could_show_is_refused(name):
    parser = argparse.ArgumentParser(exit_on_error=False)
    office_command.add_arguments(parser)
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        parser.parse_args(["add", name])
