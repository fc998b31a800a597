"""What is typed at the shell about offices, papers and counts is on the record, with who typed it."""

import argparse

from service import counts_command, office_command
from tests.integration.paper_room import KSB, ask, papers, receive, send, table
from tests.integration.registration_room import registration


def test_what_changes_something_or_shows_people_is_on_the_record(run, database_url, tmp_path):
    """In the transaction that does it; a look without an effect, and a rehearsal of one, leave nothing."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            begin, vault = service.ports.begin, service.ports.vault

            async def of_office(*words: str) -> None:
                parser = argparse.ArgumentParser()
                office_command.add_arguments(parser)
                await office_command.run(begin, vault, parser.parse_args([*words, "--who", "Wati"]))

            async def of_counts(*words: str) -> None:
                parser = argparse.ArgumentParser()
                counts_command.add_arguments(parser)
                await counts_command.run(begin, vault, service.settings, parser.parse_args(words))

            for words in (("add", KSB), ("add", KSB), ("renew", KSB), ("end", "Nowhere")):
                await of_office(*words)
            content = table(papers(3))
            (tmp_path / "b.csv").write_bytes(content)
            await ask(service, "import", KSB, tmp_path / "b.csv", "--dry-run")
            for _ in range(2):
                await send(service, tmp_path, content)
            for _ in range(2):
                await receive(service)
                await ask(service, "invite", KSB, "--who", "Wati")
            await ask(service, "list", KSB, tmp_path / "people.csv", "--who", "Wati")
            await ask(service, "report", KSB)
            await of_counts("rebuild", "--who", "Wati")
            await of_office("end", KSB)
            return await service.sql("select who, verb, outcome, detail::text as detail from staff_audit order by id")

    rows = run(scenario())
    assert [(row["verb"], row["outcome"]) for row in rows] == [
        ("office-add", "done"),
        ("office-add", "refused"),
        ("office-renew", "done"),
        ("office-end", "refused"),
        ("paper-import", "done"),
        ("paper-import", "unchanged"),
        ("paper-forward", "done"),
        ("paper-receive", "done"),
        ("paper-invite", "done"),
        ("paper-list", "done"),
        ("counts-rebuild", "begun"),
        ("counts-rebuild", "unchanged"),
        ("office-end", "done"),
    ]
    assert {row["who"] for row in rows if row["verb"].startswith(("office", "counts", "paper-list"))} == {"Wati"}
    told = " ".join(row["detail"] for row in rows)
    assert '"people": 3' in told and '"added": 3' in told
    assert not any(secret in told for row in papers(3) for secret in (row.name, row.nik, row.phone))
