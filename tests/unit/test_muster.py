"""The master's side of a run, with stations that only pretend: leases, agreement, news, takeovers, failures."""

import json
from argparse import Namespace
from typing import Any

import numpy as np
import pytest

from loadtests import muster
from loadtests.attendance import ABSENT, PREPARING, SILENCE
from loadtests.muster import INVALID, Muster
from loadtests.receipts import MAY_HAVE_DONE, Receipts
from loadtests.roster import Roster
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from scenarios.arrivals import SHARDS
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
    """A muster whose messages are kept, with workers a, b and c elsewhere, and a clock that is turned by hand."""

    def __init__(self, **changed: Any) -> None:
        self.clients = ["a", "b", "c"]
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.now = 1000.0
        self.muster = Muster(self._send, lambda: list(self.clients), lambda: self.now)
        self.settings = settings(**changed)
        self.muster.begin(self.settings)
        self.plan = self.settings.plan()
        self.hash = self.plan.hash
        self.rosters = [self._roster(shards) for _, shards in self.leases()]
        self.receipts = [Receipts() for _ in self.rosters]
        self.figures: dict[str, Any] | None = None
        """What each worker has measured."""

    def _roster(self, shards: list[int]) -> Roster:
        numbers = self.plan.numbers(shards)
        return Roster(self.plan.due[numbers], numbers)

    def _send(self, kind: str, data: dict[str, Any], client: str) -> None:
        self.sent.append((kind, client, json.loads(json.dumps(data))))
        if kind == "crowd_cut" and client in self.clients:
            self.hand_in("abc".index(client))

    def leases(self) -> list[tuple[str, list[int]]]:
        return [(client, data["shards"]) for kind, client, data in self.sent if kind == "crowd_plan"]

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]

    def agree(self) -> None:
        for worker in range(3):
            self.ready(worker, self.hash)

    def ready(self, worker: int, plan_hash: str) -> None:
        self.muster.here({**self.signed(worker), "process": ["elsewhere", 1, 0.0]})
        self.muster.ready({**self.signed(worker), "hash": plan_hash})

    def signed(self, worker: int) -> dict[str, Any]:
        return {"worker": worker, "run": self.sent[0][2]["run"]}

    def news(self, worker: int, defect: str = "") -> dict[str, Any]:
        told = {**self.rosters[worker].parcel()._asdict(), **self.receipts[worker].news()._asdict()}
        return {**self.signed(worker), **told, "defect": defect, "cpu_s": 0.5, "figures": self.figures}

    def tell(self, worker: int) -> None:
        self.muster.take_news(self.news(worker))

    def hand_in(self, worker: int, defect: str = "", *, left: bool = False) -> None:
        self.muster.take_ledger({**self.news(worker, defect), "left": left})

    def play(self, worker: int, row: int, fate: Fate | None = Fate.JOINED) -> None:
        """Somebody starts and, with a fate, ends at once."""
        roster = self.rosters[worker]
        roster.start(row, started=roster.columns["due"][row])
        if fate is not None:
            roster.end(row, fate, Reason.JOINED, 9.0)

    def play_all(self, worker: int) -> None:
        for row in range(len(self.rosters[worker])):
            self.play(worker, row)
        self.tell(worker)

    def silence(self, *workers: int) -> None:
        """These say nothing for longer than is borne; the others go on."""
        others = [worker for worker in range(3) if worker not in workers]
        for _ in range(int(2 * SILENCE) + 1):
            self.now += ABSENT / 2
            for worker in others:
                self.tell(worker)
            self.muster.look()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_shards_are_leased_by_name():
    """Each shard to one worker, evenly; the settings they get make the same plan."""
    room = Room()
    leases = room.leases()
    assert [client for client, _ in leases] == ["a", "b", "c"]
    assert [len(shards) for _, shards in leases] == [SHARDS // 3] * 3
    assert sorted(shard for _, shards in leases for shard in shards) == list(range(SHARDS))
    assert RunSettings.of_message(room.sent[0][2]["settings"]).plan().hash == room.hash


def test_doors_open_once_all_agree(capsys):
    room = Room(swarm_metrics_port=9000)
    for worker in range(2):
        room.ready(worker, room.hash)
    assert "crowd_go" not in room.kinds()
    room.ready(2, room.hash)
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
    room.ready(1, "0" * 64)
    assert room.muster.finished.is_set()
    assert room.muster.exit_code == 1
    assert "crowd_go" not in room.kinds()
    assert "worker 1 has another plan" in capsys.readouterr().err


def test_once_everybody_has_ended_all_hand_in_and_the_record_is_written(tmp_path, capsys):
    room = Room(record=str(tmp_path / "new"))
    room.agree()
    for worker in range(3):
        assert "crowd_cut" not in room.kinds()
        room.play_all(worker)
    assert room.muster.finished.is_set()
    assert room.muster.exit_code == 0
    done = said(capsys)[-1]
    assert (done["ended"], done["fates"]["joined"], done["cpu_s"]) == ("drained", PLANNED, 1.5)
    assert (done["takeovers"], done["taken_over"]) == ([], 0)
    np.testing.assert_array_equal(read_people(tmp_path / "new")["number"], np.arange(PLANNED))
    assert set(json.loads((tmp_path / "new/receipts.json").read_text())) > {"accounts", "joins"}


def test_workers_that_reach_the_drain_limit_hand_in_by_themselves(capsys):
    """Somebody is still on her way: nobody is told to end, the last ledger ends the run."""
    room = Room()
    room.agree()
    room.play(1, 0, None)
    for worker in range(3):
        assert not room.muster.finished.is_set()
        room.hand_in(worker)
    done = said(capsys)[-1]
    assert (done["ended"], done["fates"]["cut"], done["exit_code"]) == ("limit", PLANNED, 0)


def test_a_fault_of_the_swarms_own_is_exit_1(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    for worker in range(3):
        room.hand_in(worker, defect="Traceback ...\nKeyError: 7\n" if worker == 1 else "")
    assert room.muster.exit_code == 1
    done = said(capsys)[-1]
    assert (done["exit_code"], done["defect"]) == (1, "worker 1: KeyError: 7")
    assert len(read_people(tmp_path)["number"]) == PLANNED


def test_a_stop_collects_what_there_is(tmp_path, capsys):
    """Of a worker that cannot be reached any more the record has what it had told; that is no failure."""
    room = Room(record=str(tmp_path))
    room.agree()
    room.play(2, 0)
    room.play(2, 1, None)
    room.tell(2)
    room.clients = ["a", "b"]
    room.muster.stop()
    done = said(capsys)[-1]
    assert (done["ended"], done["fates"]["joined"], done["fates"]["cut"]) == ("interrupted", 1, PLANNED - 1)
    assert (done["exit_code"], done["defect"]) == (0, "")
    assert (read_people(tmp_path)["reason"] == Reason.WORKER_LOST).sum() == 1
    assert json.loads((tmp_path / "receipts.json").read_text())["joins"]["unanswered"] > 0
    assert room.muster.finished.is_set()
    assert room.kinds().count("crowd_cut") == 2


def test_a_silent_worker_loses_its_shards_to_the_others(tmp_path, capsys):
    """B ended somebody, has two on the way and falls silent: a and c go on behind them, everybody has one fate."""
    room = Room(record=str(tmp_path), opens_at=4e9)
    room.agree()
    room.play(1, 0)
    for row in (1, 2):
        room.play(1, row, None)
    room.receipts[1].asked("accounts", 4)
    room.receipts[1].acknowledged("accounts", 4, "told")
    room.tell(1)
    room.silence(1)
    takes = {client: data["shards"] for kind, client, data in room.sent if kind == "crowd_take"}
    assert set(takes) == {"a", "c"}
    assert [len(shards) for shards in takes.values()] == [SHARDS // 6] * 2
    rows = dict(takes["a"] + takes["c"])
    started = {int(number) % SHARDS for number in room.rosters[1].columns["number"][:3]}
    assert {shard for shard, row in rows.items() if row == 1} == started
    assert set(rows.values()) == {0, 1} and set(rows) == set(room.leases()[1][1])
    # What the lost one still says counts no more.
    room.rosters[1].end(1, Fate.JOINED, Reason.JOINED, 9.0)
    room.tell(1)
    room.clients.remove("b")
    for worker, client in ((0, "a"), (2, "c")):
        numbers = np.sort(np.array([s + SHARDS * r for s, r in takes[client] if s + SHARDS * r < PLANNED], np.int64))
        room.rosters[worker].extend(room.plan.due[numbers], numbers)
        room.play_all(worker)
    done = said(capsys)[-1]
    assert (done["ended"], done["exit_code"]) == ("drained", INVALID)
    assert [audit["id"] for audit in done["health"]] == ["worker-lost"]  # 2 of 23 are more than one in a hundred
    assert done["fates"] == {"joined": PLANNED - 2, "refused": 0, "abandoned": 0, "failed": 0, "cut": 2}
    (takeover,) = done["takeovers"]
    assert (takeover["worker"], takeover["shards"], takeover["cut"]) == (1, SHARDS // 3, 2)
    assert SILENCE < takeover["silent_s"] <= SILENCE + ABSENT
    people = read_people(tmp_path)
    assert (people["reason"] == Reason.WORKER_LOST).sum() == 2
    told = json.loads((tmp_path / "receipts.json").read_text())
    assert told["accounts"] == {"acknowledged": ["told"], "unanswered": 2 * MAY_HAVE_DONE["accounts"]}


def test_a_worker_that_is_told_to_end_leaves_its_share_to_the_others(tmp_path, capsys):
    """It still hands in everything: its people on the way are cut, nothing is unknown, and the others go on."""
    room = Room(record=str(tmp_path), opens_at=4e9)
    room.agree()
    room.play(1, 0)
    room.play(1, 1, None)
    room.rosters[1].end(1, Fate.CUT, Reason.RUN_ENDED, 5.0)
    room.hand_in(1, left=True)
    assert room.kinds().count("crowd_take") == 2
    (takeover,) = room.muster.takeovers
    assert (takeover.worker, takeover.cut, takeover.takers) == (1, 1, [0, 2])
    room.muster.stop()
    people = read_people(tmp_path)
    (number,) = np.flatnonzero(people["reason"] == Reason.WORKER_LOST)
    assert (number, people["ended"][number]) == (room.rosters[1].columns["number"][1], 5.0)
    assert json.loads((tmp_path / "receipts.json").read_text())["joins"]["unanswered"] == 0


def test_without_a_takeover_people_are_missing(capsys, monkeypatch):
    """Negative control: nobody gets the lost shards, so nobody starts their people, and the run does not end."""
    room = Room(opens_at=4e9)
    room.agree()
    monkeypatch.setattr(muster, "dealt", lambda shards, holders: [[] for _ in range(holders)])
    room.silence(1)
    for worker in (0, 2):
        room.play_all(worker)
    assert not room.muster.finished.is_set()
    assert room.muster.book.left == len(room.rosters[1])


def test_a_worker_that_locust_misses_is_lost_at_once(capsys):
    room = Room(opens_at=4e9)
    room.agree()
    room.clients = ["a", "c"]
    room.muster.look()
    assert room.kinds().count("crowd_take") == 2


def test_one_that_leaves_while_another_ones_shards_are_dealt_is_lost_once(capsys):
    """Sending may wait, and then a ledger comes in between; the look goes on, and each shard has one holder."""
    room = Room(opens_at=4e9)
    room.agree()
    room.clients = ["c"]
    send = room._send

    def slow(kind: str, data: dict[str, Any], client: str) -> None:
        send(kind, data, client)
        if (kind, client) == ("crowd_take", "b"):
            room.hand_in(1, left=True)

    room.muster._send = slow
    room.muster.look()
    assert [each.worker for each in room.muster.takeovers] == [0, 1]
    held = [shard for client, shards in room.leases() if client == "c" for shard in shards]
    held += [row[0] for kind, to, data in room.sent if (kind, to) == ("crowd_take", "c") for row in data["shards"]]
    assert sorted(held) == list(range(SHARDS))


def test_while_the_master_was_absent_nobody_was_silent(capsys):
    """It stood still for ten seconds: the words of the workers lie unread. Then it looks again as usual."""
    room = Room(opens_at=4e9)
    room.agree()
    room.now += 10.0
    room.muster.look()
    assert "crowd_take" not in room.kinds()
    room.silence(0)
    assert "crowd_take" in room.kinds()


def test_when_every_worker_is_lost_the_run_has_failed(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    room.clients = []
    room.muster.look()
    captured = capsys.readouterr()
    assert (room.muster.exit_code, room.muster.finished.is_set()) == (1, True)
    assert "every worker was lost" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["fates"]["cut"] == PLANNED
    assert len(read_people(tmp_path)["number"]) == PLANNED


def test_a_worker_lost_before_the_opening_ends_the_run(capsys):
    """Not one that is only deaf while it makes ready, for a minute: Locust misses it, and then it is back."""
    room = Room()
    room.clients = ["a", "b"]
    for _ in range(int(2 * PREPARING)):
        assert room.muster.exit_code == 0
        room.now += 0.5
        room.muster.look()
    room.now += 0.5
    room.muster.look()
    assert room.muster.exit_code == 1
    assert "was lost before the doors opened" in capsys.readouterr().err


def test_messages_of_an_earlier_run_count_for_nothing(capsys):
    room = Room()
    room.agree()
    room.play(0, 0)
    late = room.news(0)
    room.muster.stop()
    room.muster.begin(room.settings)
    room.muster.take_news(late)
    assert room.muster.book.ended == 0


def test_a_worker_that_cannot_play_ends_the_run_before_it_begins(capsys):
    room = Room()
    room.muster.take_fault({**room.signed(0), "fault": "--photo-dir: Permission denied"})
    assert (room.muster.exit_code, room.muster.finished.is_set()) == (2, True)
    captured = capsys.readouterr()
    assert captured.err == "swarm: --photo-dir: Permission denied\n"
    assert captured.out == ""


def test_a_record_that_cannot_be_written_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    room = Room(record=str(tmp_path / "file"))
    room.agree()
    for worker in range(3):
        room.hand_in(worker)
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
        ({"most_connections": -1, "source_addresses": "127.0.0.1, here"}, ["--most-connections", "here is no address"]),
    ],
)
def test_wrong_settings_are_all_named(changed, words):
    with pytest.raises(SettingsRefused) as refused:
        settings(**changed)
    for word in words:
        assert word in str(refused.value)


def test_workers_are_told_how_many_connections_and_from_where():
    told = settings(most_connections=50, source_addresses="127.0.0.1, 127.0.0.2").message()
    heard = RunSettings.of_message(json.loads(json.dumps(told)))
    assert (heard.most_connections, heard.source_addresses) == (50, ["127.0.0.1", "127.0.0.2"])


def test_a_service_must_be_named():
    with pytest.raises(SettingsRefused, match="--host"):
        RunSettings.parse(options(), None)


def test_what_is_done_well_has_no_defect(tmp_path, capsys):
    room = Room(record=str(tmp_path))
    room.agree()
    room.muster.stop()
    done = said(capsys)[-1]
    assert (done["ended"], done["exit_code"], done["defect"]) == ("interrupted", 0, "")
    assert (tmp_path / "receipts.json").exists()
