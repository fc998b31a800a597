"""The master's side of a run, with stations that only pretend: leases, agreement, ledgers, failures."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.muster import Muster
from loadtests.receipts import Receipts
from loadtests.roster import Roster
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from scenarios.fates import Fate, Reason
from scenarios.record import read_people

PLANNED = 23


def options(**changed: Any) -> Namespace:
    """A command line: the defaults, except for what a test changes."""
    values = {facts.get("dest", name.lstrip("-").replace("-", "_")): facts["default"] for name, facts in OPTIONS}
    values |= {"reading": "harsh", "minutes": 0.2, "speed": 4.0}
    return Namespace(**values | changed)


def settings(**changed: Any) -> RunSettings:
    return RunSettings.parse(options(**changed), "http://127.0.0.1:1")


class Room:
    """A muster whose messages are kept, with workers a, b and c."""

    def __init__(self, **changed: Any) -> None:
        self.clients = ["a", "b", "c"]
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.muster = Muster(self._send, lambda: list(self.clients))
        self.settings = settings(**changed)
        self.muster.begin(self.settings)
        self.hash = self.settings.plan().hash

    def _send(self, kind: str, data: dict[str, Any], client: str) -> None:
        self.sent.append((kind, client, data))
        if kind == "crowd_cut":
            self.hand_in("abc".index(client))

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]

    def agree(self) -> None:
        for residue in range(3):
            self.muster.ready({"residue": residue, "hash": self.hash})

    def hand_in(self, residue: int, defect: str = "") -> None:
        """The ledger of a worker all of whose applicants have joined."""
        roster = Roster(self.settings.plan().stripe(residue, 3), residue, 3)
        for row in range(len(roster.columns["due"])):
            roster.end(row, Fate.JOINED, Reason.JOINED, 9.0)
        receipts = Receipts().pack()
        ledger = {"residue": residue, "people": roster.pack(), "receipts": receipts, "defect": defect, "cpu_s": 0.5}
        self.muster.take_ledger(ledger)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_shares_are_leased_by_name():
    """Each worker is told its residue, not its index; the settings it gets make the same plan."""
    room = Room()
    leases = [(client, data["residue"], data["modulus"]) for _, client, data in room.sent]
    assert leases == [("a", 0, 3), ("b", 1, 3), ("c", 2, 3)]
    message = json.loads(json.dumps(room.sent[0][2]["settings"]))
    assert RunSettings.of_message(message).plan().hash == room.hash


def test_doors_open_once_all_agree(capsys):
    room = Room(swarm_metrics_port=9000)
    for residue in range(2):
        room.muster.ready({"residue": residue, "hash": room.hash})
    assert "crowd_go" not in room.kinds()
    room.muster.ready({"residue": 2, "hash": room.hash})
    openings = {json.dumps(data) for kind, _, data in room.sent if kind == "crowd_go"}
    assert len(openings) == 1
    (line,) = said(capsys)
    assert (line["ready"], line["planned"], line["plan_hash"]) == (True, PLANNED, room.hash)
    assert line["metrics_ports"] == [9001, 9002, 9003]


def test_a_given_opening_is_kept(capsys):
    room = Room(opens_at=4e9)
    room.agree()
    assert room.sent[-1][2]["opens_at"] == said(capsys)[0]["opens_at"] == 4e9


def test_another_plan_is_a_crash(capsys):
    """A worker with other files would play other people: nothing starts."""
    room = Room()
    room.muster.ready({"residue": 1, "hash": "0" * 64})
    assert room.muster.finished.is_set()
    assert room.muster.exit_code == 1
    assert "crowd_go" not in room.kinds()
    assert "worker 1 has another plan" in capsys.readouterr().err


def test_the_record_is_written_when_all_ledgers_are_in(tmp_path, capsys):
    room = Room(record=str(tmp_path / "new"))
    room.agree()
    for residue in range(3):
        assert not room.muster.finished.is_set()
        room.hand_in(residue)
    assert room.muster.finished.is_set()
    assert room.muster.exit_code == 0
    done = said(capsys)[-1]
    assert (done["ended"], done["fates"]["joined"], done["cpu_s"]) == ("drained", PLANNED, 1.5)
    np.testing.assert_array_equal(read_people(tmp_path / "new")["number"], np.arange(PLANNED))
    assert set(json.loads((tmp_path / "new/receipts.json").read_text())) > {"accounts", "joins"}


def test_a_fault_of_the_swarms_own_is_exit_1(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    for residue in range(3):
        room.hand_in(residue, defect="Traceback ...\nKeyError: 7\n" if residue == 1 else "")
    assert room.muster.exit_code == 1
    done = said(capsys)[-1]
    assert (done["exit_code"], done["defect"]) == (1, "worker 1: KeyError: 7")
    assert len(read_people(tmp_path)["number"]) == PLANNED


def test_a_stop_collects_what_there_is(tmp_path, capsys):
    """The people of a worker that cannot be reached any more are cut."""
    room = Room(record=str(tmp_path))
    room.agree()
    room.clients = ["a", "b"]
    room.muster.stop()
    done = said(capsys)[-1]
    assert (done["ended"], done["fates"]["cut"]) == ("interrupted", 7)
    assert (done["exit_code"], done["defect"]) == (1, "no ledger of worker 2")
    assert not (tmp_path / "receipts.json").exists()
    assert room.muster.finished.is_set()
    assert room.kinds().count("crowd_cut") == 2


def test_a_lost_worker_ends_the_run(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    room.hand_in(2)
    room.clients = ["a"]
    room.muster.check_workers()
    assert room.muster.exit_code == 1
    assert "worker 1 (b) was lost" in capsys.readouterr().err
    assert Path(tmp_path / "people.npz").exists()


def test_a_worker_that_cannot_play_ends_the_run_before_it_begins(capsys):
    room = Room()
    room.muster.take_fault({"residue": 0, "fault": "--photo-dir: Permission denied"})
    assert (room.muster.exit_code, room.muster.finished.is_set()) == (2, True)
    captured = capsys.readouterr()
    assert captured.err == "swarm: --photo-dir: Permission denied\n"
    assert captured.out == ""


def test_a_record_that_cannot_be_written_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    room = Room(record=str(tmp_path / "file"))
    room.agree()
    for residue in range(3):
        room.hand_in(residue)
    assert room.muster.exit_code == 2
    assert "--record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"people": "7"}, ["--people"]),
        ({"speed": 0.0, "pace": -1.0, "minutes": 0.0}, ["--speed", "--pace", "--minutes"]),
        ({"drain_minutes": -1.0, "reading": "mild"}, ["--drain-minutes", "mild", "harsh"]),
        ({"partner_set": "rich"}, ["--set rich", "prepared"]),
        ({"night": "nowhere", "people": "0"}, ["--people", "nowhere"]),
    ],
)
def test_wrong_settings_are_all_named(changed, words):
    with pytest.raises(SettingsRefused) as refused:
        settings(**changed)
    for word in words:
        assert word in str(refused.value)


def test_a_service_must_be_named():
    with pytest.raises(SettingsRefused, match="--host"):
        RunSettings.parse(options(), None)


def test_a_lost_share_leaves_no_receipts(tmp_path, capsys):
    """What the others were told is not all: an audit would take the lost share's accounts for doubled."""
    (tmp_path / "receipts.json").write_text("of an earlier run")
    room = Room(record=str(tmp_path))
    room.agree()
    room.hand_in(2)
    room.clients = ["a"]
    room.muster.check_workers()
    done = said(capsys)[-1]
    assert done["exit_code"] == room.muster.exit_code == 1
    assert done["defect"] == "worker 1 (b) was lost with its share of the applicants"
    assert not (tmp_path / "receipts.json").exists()


def test_what_is_done_well_has_no_defect(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    room.muster.stop()
    done = said(capsys)[-1]
    assert (done["ended"], done["exit_code"], done["defect"]) == ("interrupted", 0, "")
    assert (tmp_path / "receipts.json").exists()
