"""A published draw: frozen before the seed exists, recomputed by three programs, refused when anything was changed."""

import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from service.domain import grants, merkle
from service.domain.grants import TICKET, DrawRefused, Quotas, line_of
from service.draw_folder import CHECKERS, Beacon, DrawFolder
from tests.tools import need

NOW = datetime(2020, 4, 17, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
BEACON = Beacon("drand quicknet", "7890123", (NOW + timedelta(hours=1)).isoformat(), "three dice")
QUOTAS = Quotas(30, {52: 3, 91: 0})
PROGRAMS = {"python": [sys.executable, "-I"], "perl": ["perl"]}


def people(count: int) -> list[bytes]:
    return [line_of(secrets.token_bytes(16), (31, 52, 91)[i % 3], priority=i % 5 == 0) for i in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> DrawFolder:
    folder = DrawFolder(tmp_path / "wave-1")
    folder.freeze(1, people(101), QUOTAS, BEACON, NOW)
    folder.run("b34c0n", "4 2 6", LATER)
    return folder


def checked(folder: DrawFolder, program: str) -> subprocess.CompletedProcess[str]:
    """The checker that was published with the draw."""
    need(PROGRAMS[program][0], package=program)
    script = {"python": "check_draw.py", "perl": "check_draw.pl"}[program]
    command = [*PROGRAMS[program], str(folder.path / script), str(folder.path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def change_line(name: str, place: int, change: Callable[[str], str]) -> Callable[[DrawFolder], None]:
    def tamper(folder: DrawFolder) -> None:
        path = folder.path / name
        lines = path.read_text().splitlines()
        lines[place] = change(lines[place])
        path.write_text("".join(f"{line}\n" for line in lines if line))

    return tamper


def flipped(line: str) -> str:
    """On the priority list, or off it."""
    return line[:-1] + ("0" if line[-1] == "1" else "1")


def say_in(name: str, **words: object) -> Callable[[DrawFolder], None]:
    def tamper(folder: DrawFolder) -> None:
        path = folder.path / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **words}))

    return tamper


def strike_out(folder: DrawFolder) -> None:
    (folder.path / "withdrawn.txt").write_text((folder.path / "winners.txt").read_text()[:32] + "\n")


def cut_off(folder: DrawFolder) -> None:
    (folder.path / "winners.txt").write_text("0123")


TAMPERS = {
    "a leaf": change_line("tickets.txt", 50, flipped),
    "a leaf more": change_line("tickets.txt", 100, lambda line: f"{line}\n{'f' * 32} 31 1"),
    "a leaf less": change_line("tickets.txt", 7, lambda line: ""),
    "a seat more": say_in("rules.json", seats=31),
    "the frozen rules": say_in("frozen.json", rules_sha256="0" * 64),
    "the beacon": say_in("result.json", beacon="an0th3r"),
    "the seed": say_in("result.json", seed="0" * 64),
    "a winner": change_line("winners.txt", 29, lambda line: f"{'f' * 32} 31 1"),
    "the first of the line": change_line("waiting.txt", 0, lambda line: ""),
    "somebody struck out in secret": lambda folder: (
        (folder.path / "withdrawn.txt").write_text((folder.path / "winners.txt").read_text()[:32] + "\n") and None
    ),
    "a file cut off": lambda folder: (folder.path / "winners.txt").write_text("0123") and None,
    "a file that is gone": lambda folder: (folder.path / "waiting.txt").unlink(),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_who_checks_by_himself_comes_to_the_same(folder: DrawFolder, program: str) -> None:
    assert folder.faults() == []
    done = checked(folder, program)
    told, condition = done.stdout.splitlines()
    assert (done.returncode, told) == (0, "OK: 30 of 101 are chosen, 71 wait, 0 withdrew"), done.stderr
    assert condition.startswith(f"if {folder.commitment.hex()} was public before")


@pytest.mark.parametrize("tampered", TAMPERS)
def test_whatever_was_changed_is_refused_by_all_three(folder: DrawFolder, tampered: str) -> None:
    TAMPERS[tampered](folder)
    again = DrawFolder(folder.path)
    assert again.faults() != []
    for program in PROGRAMS:
        done = checked(folder, program)
        assert (done.returncode, "REFUSED" in done.stderr) == (1, True), (program, done)


@pytest.mark.parametrize(
    "lines",
    [
        [f"{'a' * 32} 31 0", f"{'a' * 32} 52 0"],
        [f"{'b' * 32} 31 0", f"{'a' * 32} 52 0"],
        [f"{'A' * 32} 31 0", f"{'a' * 32} 31 0"],
        [f"{'a' * 32} 31 1 "],
        ["a"],
        ["", ""],
    ],
)
def test_a_list_that_our_program_would_not_have_frozen_is_refused_by_all_three(
    folder: DrawFolder, lines: list[str]
) -> None:
    """However well it was committed to: a ticket that stands twice has twice the luck."""
    text = "".join(f"{line}\n" for line in lines)
    (folder.path / "tickets.txt").write_text(text)
    root = merkle.root_of([line.encode() for line in lines]).hex()
    say_in("frozen.json", dice="", tickets=len(lines), tickets_sha256=sha256(text.encode()).hexdigest(), root=root)(
        folder
    )
    again = DrawFolder(folder.path)
    seed = grants.seed_of(again.commitment, "b34c0n", "").hex()
    say_in("result.json", dice="", seed=seed)(folder)
    (fault,) = again.faults()
    assert "order" in fault or "cannot be drawn from" in fault
    for program in PROGRAMS:
        done = checked(folder, program)
        assert done.returncode == 1
        assert "a line of tickets.txt" in done.stderr or "in order" in done.stderr


def test_the_checkers_are_short_and_are_frozen_with_the_list(folder: DrawFolder) -> None:
    short = next(checker for checker in CHECKERS if checker.suffix == ".py")
    assert len(short.read_text().splitlines()) <= 80
    assert set(folder.frozen["checkers"]) == {"check_draw.py", "check_draw.pl"}


def test_a_withdrawal_is_published_and_the_next_moves_up(folder: DrawFolder) -> None:
    before = folder.run("b34c0n", "4 2 6", LATER)
    gone = before.winners[0][TICKET]
    after = DrawFolder(folder.path).run("b34c0n", "4 2 6", LATER, withdrawn=[gone])
    assert set(before.winners[1:]) < set(after.winners)
    assert len(after.winners) == 30
    assert DrawFolder(folder.path).faults() == []
    assert [checked(folder, program).returncode for program in PROGRAMS] == [0, 0]


def test_again_it_writes_the_same_and_never_another_draw(folder: DrawFolder) -> None:
    """Interrupted, it is run again; whoever does not like what came out cannot ask for other dice."""
    files = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    (folder.path / "winners.txt").unlink()
    DrawFolder(folder.path).run("b34c0n", "4 2 6", LATER)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == files
    with pytest.raises(DrawRefused, match="one draw for a list"):
        DrawFolder(folder.path).run("b34c0n", "4 2 5", LATER)
    with pytest.raises(DrawRefused, match="frozen already"):
        folder.freeze(1, people(3), QUOTAS, BEACON, NOW)


def test_nobody_tries_dice_until_the_winners_please(tmp_path: Path) -> None:
    """Dice that were not announced with the list are refused, by the checkers too; announced ones must be thrown."""
    folder = DrawFolder(tmp_path / "wave-1")
    folder.freeze(1, people(10), QUOTAS, replace(BEACON, dice=""), NOW)
    with pytest.raises(DrawRefused, match="none were announced"):
        folder.run("b34c0n", "4 2 6", LATER)
    folder.run("b34c0n", "", LATER)
    assert [checked(folder, program).returncode for program in PROGRAMS] == [0, 0]
    seed = grants.seed_of(folder.commitment, "b34c0n", "4 2 6").hex()
    say_in("result.json", dice="4 2 6", seed=seed)(folder)
    assert "dice" in DrawFolder(folder.path).faults()[0]
    for program in PROGRAMS:
        assert "as announced" in checked(folder, program).stderr
    other = DrawFolder(tmp_path / "wave-2")
    other.freeze(2, people(10), QUOTAS, BEACON, NOW)
    with pytest.raises(DrawRefused, match="announced: three dice"):
        other.run("b34c0n", "", LATER)


def test_nobody_draws_before_the_beacon_speaks_or_from_a_changed_list(tmp_path: Path) -> None:
    folder = DrawFolder(tmp_path / "wave-1")
    with pytest.raises(DrawRefused, match="run `draw freeze` first"):
        folder.run("b34c0n", "4 2 6", LATER)
    folder.freeze(1, people(10), QUOTAS, BEACON, NOW)
    with pytest.raises(DrawRefused, match="whoever knows it now chose it"):
        folder.run("b34c0n", "4 2 6", NOW)
    change_line("tickets.txt", 5, flipped)(folder)
    with pytest.raises(DrawRefused, match=r"tickets\.txt is not what was frozen"):
        folder.run("b34c0n", "", LATER)


def test_a_list_with_a_ticket_twice_is_not_frozen(tmp_path: Path) -> None:
    twice = people(3)
    with pytest.raises(DrawRefused, match="stands twice"):
        DrawFolder(tmp_path / "x").freeze(1, [*twice, twice[0]], QUOTAS, BEACON, NOW)


def test_the_holder_of_a_ticket_sees_that_it_was_in_the_list(folder: DrawFolder) -> None:
    for line in folder.tickets[::9]:
        proof = folder.proof(line[TICKET].decode())
        siblings = [bytes.fromhex(one) for one in proof["siblings"]]
        root = bytes.fromhex(folder.frozen["root"])
        assert merkle.is_proved(line, proof["index"], proof["tickets"], siblings, root)
    with pytest.raises(DrawRefused, match="not in the list"):
        folder.proof("0" * 32)
