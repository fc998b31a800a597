"""`launchnight draw`, as an operator types it, with files alone."""

import argparse
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import draw_command
from service.__main__ import main
from service.domain.grants import Quotas
from service.draw_folder import OF_JOINS, Beacon, DrawFolder

NOW = datetime(2020, 4, 17, 9, tzinfo=UTC)
SPEAKS = NOW + timedelta(hours=1)


def asked(*words: str, now: datetime = NOW) -> tuple[str, bool]:
    parser = argparse.ArgumentParser()
    draw_command.add_arguments(parser)
    said = draw_command.run_here(parser.parse_args([*words, "--json"]), now)
    assert said is not None, "files alone"
    return said


def frozen(folder: Path, lines: list[str], *, speaks_at: datetime = SPEAKS) -> tuple[str, bool]:
    tickets = folder.with_suffix(".list")
    tickets.write_text("".join(f"{line}\n" for line in lines))
    words = ["--wave", "1", "--seats", "5", "--quota", "52=1", "--beacon", "drand", "--round", "7"]
    return asked("freeze", str(folder), "--list", str(tickets), *words, "--speaks-at", speaks_at.isoformat())


PEOPLE = [f"{i:032x} {52 if i % 2 else 31} {i % 5 == 0:d}" for i in range(20)]


def test_from_the_freeze_to_a_proof(tmp_path: Path) -> None:
    told, done = frozen(tmp_path / "wave", PEOPLE)
    assert (done, json.loads(told)["tickets"]) == (True, 20)
    commitment = json.loads(told)["commitment"]
    told, done = asked("run", str(tmp_path / "wave"), "--beacon", "b34c0n", now=SPEAKS)
    assert done, told
    assert (json.loads(told)["chosen"], json.loads(told)["waiting"]) == (5, 15)
    told, done = asked("verify", str(tmp_path / "wave"))
    assert done, told
    assert json.loads(told)["commitment"] == commitment
    told, done = asked("proof", str(tmp_path / "wave"), f"{7:032x}")
    assert done, told
    assert json.loads(told)["line"] == PEOPLE[7]
    struck = tmp_path / "struck"
    struck.write_text((tmp_path / "wave" / "winners.txt").read_text()[:32] + "\n")
    words = ["run", str(tmp_path / "wave"), "--beacon", "b34c0n", "--withdrawn", str(struck)]
    told, done = asked(*words, now=SPEAKS)
    assert (done, json.loads(told)["waiting"]) == (True, 14), told


def test_a_list_of_a_file_is_drawn_without_the_database_whatever_lies_beside_it(tmp_path: Path) -> None:
    """Control: one of the joins of a wave is not. Where it came from is frozen with it."""
    frozen(tmp_path / "wave", PEOPLE)
    (tmp_path / "wave.joins.csv").write_text("ticket,device\n")
    told, done = asked("run", str(tmp_path / "wave"), "--beacon", "b34c0n", now=SPEAKS)
    assert done, told
    wave = DrawFolder(tmp_path / "of-joins")
    lines = (line.encode() for line in PEOPLE)
    wave.freeze(1, lines, Quotas(5, {}), Beacon("drand", "7", SPEAKS.isoformat()), NOW, origin=OF_JOINS)
    with pytest.raises(AssertionError, match="files alone"):
        asked("run", str(wave.path), "--beacon", "b34c0n", now=SPEAKS)


def test_what_is_refused_says_why(tmp_path: Path) -> None:
    told, done = frozen(tmp_path / "soon", PEOPLE, speaks_at=NOW + timedelta(minutes=59))
    assert (done, "an hour from now" in told) == (False, True)
    told, done = frozen(tmp_path / "odd", [*PEOPLE, "0 1 2"])
    assert (done, "line 21 is not TICKET PROVINCE PRIORITY" in told) == (False, True)
    told, done = frozen(tmp_path / "twice", [*PEOPLE, PEOPLE[3]])
    assert (done, "stands twice" in told) == (False, True)
    assert not (tmp_path / "twice" / "frozen.json").exists()
    told, done = asked("verify", str(tmp_path / "nowhere"))
    assert (done, "nothing is frozen here" in told) == (False, True)
    frozen(tmp_path / "wave", PEOPLE)
    (tmp_path / "wave" / "tickets.txt").write_text("")
    told, done = asked("run", str(tmp_path / "wave"), "--beacon", "b34c0n", now=SPEAKS)
    assert (done, "not what was frozen" in told) == (False, True)


@pytest.mark.parametrize(
    "joined_at",
    [
        lambda i: 1586606400 + 7 * i,
        lambda i: (SPEAKS + timedelta(seconds=7 * i)).isoformat(),
        lambda i: 7 * i if i % 100 else "",
    ],
    ids=["seconds", "instants", "some unknown"],
)
def test_a_draw_is_tested_before_it_is_announced(tmp_path: Path, joined_at: Callable[[int], object]) -> None:
    """With the whole list, by the hour of joining and by device; a favor to the early ones is not announced."""
    people = [f"{i:032x} 31 0" for i in range(2000)]
    folder = tmp_path / "wave"
    words = ["--wave", "1", "--seats", "400", "--beacon", "drand", "--round", "7", "--speaks-at", SPEAKS.isoformat()]
    (tmp_path / "list").write_text("".join(f"{line}\n" for line in people))
    told, done = asked("freeze", str(folder), "--list", str(tmp_path / "list"), *words)
    assert done, told
    asked("run", str(folder), "--beacon", "b34c0n", now=SPEAKS)
    rows = [f"{line[:32]},{joined_at(i)},{('phone', 'laptop')[i % 2]}\n" for i, line in enumerate(people)]
    about = tmp_path / "about.csv"
    about.write_text("ticket,joined_at,device\n" + "".join(rows))
    told, done = asked("test", str(folder), "--about", str(about))
    assert done, told
    assert set(json.loads(told)) == {"province", "joined_at", "device"}
    (folder / "winners.txt").write_text("".join(f"{line}\n" for line in people[:400]))
    told, done = asked("test", str(folder), "--about", str(about))
    assert (done, json.loads(told)["faults"]) == (False, ["joined_at"])
    asked("run", str(folder), "--beacon", "b34c0n", now=SPEAKS)
    early = [line for line in (folder / "winners.txt").read_text().split("\n") if line and line < people[800]]
    (tmp_path / "struck").write_text("".join(f"{line[:32]}\n" for line in early))
    asked("run", str(folder), "--beacon", "b34c0n", "--withdrawn", str(tmp_path / "struck"), now=SPEAKS)
    told, done = asked("test", str(folder), "--about", str(about))
    assert done, f"that the early ones withdrew is no fault of the draw: {told}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the first line is ticket,NAME"),
        ("ticket,device\n", "of the list has no row"),
        ("ticket,device\nx,phone\n", "line 2: ticket x is not in the list"),
        (f"ticket,device\n{0:032x},phone\n{0:032x},phone\n", "line 3: ticket 0+ stands twice"),
        (f"ticket,device\n{0:032x}\n", "line 2: 1 fields instead of 2"),
    ],
)
def test_a_file_about_the_people_fits_the_list(tmp_path: Path, text: str, fault: str) -> None:
    frozen(tmp_path / "wave", PEOPLE)
    asked("run", str(tmp_path / "wave"), "--beacon", "b34c0n", now=SPEAKS)
    (tmp_path / "about.csv").write_text(text)
    told, done = asked("test", str(tmp_path / "wave"), "--about", str(tmp_path / "about.csv"))
    assert not done
    assert re.search(fault, told)


def test_the_service_has_the_verb_and_ends_with_2_when_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "verify", str(tmp_path)]) == 2
    assert "run `draw freeze` first" in capsys.readouterr().err
