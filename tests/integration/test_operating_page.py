"""docs/operating.md: every command of the page is done as it stands there, against a room with a gatekeeper."""

import argparse
import re
import shlex
from pathlib import Path

from service import waiting_room_command as command
from service.actions import operations
from service.web.staff_orders import BODIES
from tests.integration.registration_room import registration

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def commands() -> list[list[str]]:
    """The words of each `launchnight waiting-room` on the page."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    return [words[2:] for words in lines if words[:2] == ["launchnight", "waiting-room"]]


def test_every_verb_is_on_the_page():
    assert {words[0] for words in commands()} >= {*operations.VERBS, "status", "audit", "publish", "verify"}
    named = set(re.findall(r"POST /orders/([a-z-]+)`", PAGE.read_text()))
    assert named == set(BODIES) == set(operations.VERBS)


def test_the_page_is_done_as_it_stands(run, database_url, tmp_path, monkeypatch):
    """In the order of the page; then what was changed is on the record in that order."""
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("select setval('ticket_number', 4711)")
            await service.sql("update waiting_room set base = 4711, frontier = 4711")
            begin, vault, settings = service.ports.begin, service.ports.vault, service.settings
            said = {}
            for words in commands():
                options = parser.parse_args(words)
                if words[0] == command.VERIFY:
                    continue  # of a draw that is years ahead
                said[" ".join(words)] = await command.run(begin, vault, settings, options)
            return said, await operations.events(begin)

    said, events = run(scenario())
    undone = {words for words, (_, done) in said.items() if not done}
    assert undone == {"publish --to draw.txt"}, said
    changing = [words.split()[0] for words in said if words.split()[0] in operations.VERBS and "--preview" not in words]
    recorded = [event["verb"] for event in reversed(events)]
    assert recorded == changing
