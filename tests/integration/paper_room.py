"""Tables of synthetic paper applications, offices that send them, and what operators type about them."""

import argparse
import csv
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from scenarios.identity_numbers import family_card_of, nik
from service import office_command, paper_command
from service.ports import Begin
from tests.integration.registration_room import Person, Registration

HEAD = ["Nama", "NIK", "No. KK", "Tanggal Lahir", "No. HP", "Email"]
BORN = date(1990, 8, 17)
KSB = "Disnakertrans Sumbawa Barat"
CODE = r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b"


@dataclass(frozen=True)
class Paper:
    """One row, as it was typed."""

    number: int
    name: str
    nik: str
    card: str
    phone: str
    born: date = BORN

    @property
    def cells(self) -> list[str]:
        return [self.name, self.nik, self.card, f"{self.born:%d/%m/%Y}", self.phone, ""]

    def but(self, **changes: Any) -> "Paper":
        return replace(self, **changes)


def paper(number: int) -> Paper:
    """A woman of district 99 of Sumbawa Barat: nobody."""
    identity = nik(52, 7, BORN, True, number)
    return Paper(number, f"Sri Ayu {number}", identity, family_card_of(identity), f"+6280{number:09d}")


def papers(count: int) -> list[Paper]:
    return [paper(number) for number in range(1, count + 1)]


def table(rows: list[Paper], *more: list[str]) -> bytes:
    lines = [HEAD, *(row.cells for row in rows), *more]
    return "".join(";".join(line) + "\r\n" for line in lines).encode()


async def ask(service: Registration, *words: str | Path, begin: Begin | None = None) -> tuple[str, bool]:
    """What `launchnight paper` prints, and whether it could be done. begin: another way to begin transactions."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    paper_command.add_arguments(parser)
    options = parser.parse_args([str(word) for word in words])
    return await paper_command.run(begin or service.ports.begin, service.ports.vault, service.settings, options)


async def told(service: Registration, *words: str | Path) -> Any:
    """The same as a document; it could be done."""
    text, done = await ask(service, *words, "--json")
    assert done, text
    return json.loads(text)


async def reported(service: Registration, office: str = KSB) -> dict[str, Any]:
    (found,) = await told(service, "report", office)
    report: dict[str, Any] = found
    return report


async def open_office(service: Registration, name: str = KSB) -> str:
    """Its access code."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    office_command.add_arguments(parser)
    text, done = await office_command.run(
        service.ports.begin, service.ports.vault, parser.parse_args(["add", name, "--json"])
    )
    assert done, text
    return str(json.loads(text)["access_code"])


async def send(service: Registration, folder: Path, content: bytes, *, office: str = KSB, name: str = "a.csv") -> Any:
    """What the import of a table says."""
    path = folder / name
    path.write_bytes(content)
    return await told(service, "import", office, path)


def result_of(folder: Path, name: str = "a.csv") -> list[list[str]]:
    """Rows of the result file, without its head."""
    return cells_of(folder / f"{name}{paper_command.RESULT}")[1:]


def cells_of(path: Path) -> list[list[str]]:
    """Rows of a file that we wrote, with its head."""
    return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))


async def receive(service: Registration, office: str = KSB) -> None:
    await told(service, "forward", office)
    await told(service, "receive", office)


class Invited(Person):
    """The person of a row, with the claim code."""

    def __init__(self, registration: Registration, row: Paper) -> None:
        super().__init__(registration, row.number)
        self.row, self.nik, self.phone = row, row.nik, row.phone

    async def claim(self, code: str, **changes: Any) -> Any:
        body = {"code": code, "birth_date": self.row.born.isoformat(), **changes}
        return await self.service.post("/paper-claims", body, Waiting_Room_Pass=await self.entry())
