"""A process says where its metrics are by role and slot: real files, real locks."""

import json
import socket
from contextlib import ExitStack

import pytest

from service.metrics_target import announced


def groups(folder):
    return {path.name: json.loads(path.read_text())[0] for path in folder.glob("*.json")}


def test_a_process_is_announced_while_it_runs(tmp_path):
    folder = tmp_path / "made" / "on the way"
    with announced(folder, "web", "127.0.0.1", 9100):
        assert groups(folder) == {
            "web-1.json": {"targets": ["127.0.0.1:9100"], "labels": {"job": "web", "instance": "web-1"}}
        }
    assert groups(folder) == {}


def test_slots_are_counted_by_role_and_the_lowest_free_one_is_taken(tmp_path):
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(announced(tmp_path, "web", "127.0.0.1", 1))
        stack.enter_context(announced(tmp_path, "web", "127.0.0.1", 2))
        stack.enter_context(announced(tmp_path, "worker", "127.0.0.1", 3))
        assert set(groups(tmp_path)) == {"web-1.json", "web-2.json", "worker-1.json"}
        first.close()
        assert set(groups(tmp_path)) == {"web-2.json", "worker-1.json"}
        stack.enter_context(announced(tmp_path, "web", "127.0.0.1", 4))
        assert groups(tmp_path)["web-1.json"]["targets"] == ["127.0.0.1:4"]


def test_the_file_of_a_killed_process_is_taken_over(tmp_path):
    (tmp_path / "web-1.json").write_text('[{"targets": ["127.0.0.1:1"], "labels": {}}]')
    with announced(tmp_path, "web", "127.0.0.1", 2):
        assert [group["targets"] for group in groups(tmp_path).values()] == [["127.0.0.1:2"]]


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", socket.gethostname()), ("::", socket.gethostname()), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")],
)
def test_others_are_told_an_address_that_they_can_reach(tmp_path, host, address):
    with announced(tmp_path, "web", host, 9100):
        assert groups(tmp_path)["web-1.json"]["targets"] == [f"{address}:9100"]


def test_without_a_folder_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with announced(None, "web", "127.0.0.1", 9100):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_at_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), announced(tmp_path / "file" / "targets", "web", "127.0.0.1", 9100):
        pass
