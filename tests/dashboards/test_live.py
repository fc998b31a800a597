"""The committed configuration at work: processes are found by their slots, and an alert reaches Alertmanager."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from tests import boards
from tests.boards import DASHBOARDS, PROMETHEUS
from tests.dashboards.servers import Prometheus, alertmanager, eventually, prometheus
from tests.service_process import running
from tests.tools import need

pytestmark = pytest.mark.timeout(120)

TARGETS = "/metrics-targets/"


@contextmanager
def role(name: str, database_url: str, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """One process of the service that announces itself in folder/targets, once it is ready."""
    variables = {
        "DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": "22" * 32,
        "REGISTRATION_PHOTO_DIR": str(folder / "photos"),
        "REGISTRATION_METRICS_TARGETS": str(folder / "targets"),
    }
    with running(name, "--lifeline", **variables) as (process, said):
        assert said["ready"]
        yield process


def announced(folder: Path) -> dict[str, Any]:
    """Slot -> its group, as Prometheus reads it."""
    found = {}
    for path in (folder / "targets").glob("*.json"):
        (group,) = json.loads(path.read_text())
        found[path.stem] = group
    return found


def configuration(folder: Path, alertmanager_at: str) -> Path:
    """The committed configuration with the paths and addresses of this test; the rules are the committed ones."""
    text = (PROMETHEUS / "prometheus.yml").read_text()
    assert text.count(TARGETS) == 1 and text.count("alertmanager:9093") == 1
    text = text.replace(TARGETS, f"{folder / 'targets'}/").replace("alertmanager:9093", alertmanager_at)
    for rules in ("recording.rules.yml", "alerts.rules.yml"):
        text = text.replace(f"- {rules}", f"- {PROMETHEUS / rules}")
    path = folder / "prometheus.yml"
    path.write_text(text)
    return path


def test_slots_are_taken_lowest_first_and_given_back(database_url: str, tmp_path: Path) -> None:
    """Two of a role have two slots; a clean end takes the file away, a kill leaves it to be taken over."""
    with ExitStack() as stack:
        first = stack.enter_context(role("worker", database_url, tmp_path))
        with role("worker", database_url, tmp_path):
            groups = announced(tmp_path)
            assert set(groups) == {"worker-1", "worker-2"}
            assert groups["worker-2"]["labels"] == {"job": "worker", "instance": "worker-2"}
            (address,) = groups["worker-2"]["targets"]
            with urlopen(f"http://{address}/metrics") as page:
                assert b"registration_queue_depth" in page.read()
        assert set(announced(tmp_path)) == {"worker-1"}
        (old,) = announced(tmp_path)["worker-1"]["targets"]
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        assert announced(tmp_path)["worker-1"]["targets"] == [old]
        stack.enter_context(role("worker", database_url, tmp_path))
        assert set(announced(tmp_path)) == {"worker-1"}
        assert announced(tmp_path)["worker-1"]["targets"] != [old]
    assert announced(tmp_path) == {}


def test_a_killed_worker_is_missed_and_its_series_go_on(database_url: str, tmp_path: Path) -> None:
    """A real Prometheus sees it down, a page reaches a real Alertmanager with its runbook; the next worker continues
    the series of the slot."""
    need("prometheus", package="prometheus")
    need("prometheus-alertmanager", package="prometheus-alertmanager")
    with ExitStack() as stack:
        hub = stack.enter_context(alertmanager(DASHBOARDS / "alertmanager" / "alertmanager.yml", tmp_path / "alerts"))
        worker = stack.enter_context(role("worker", database_url, tmp_path))
        server = stack.enter_context(prometheus(configuration(tmp_path, hub), tmp_path / "data"))
        eventually(lambda: server.instant('up{instance="worker-1"} == 1'), within=30, what="the first scrape")
        began = start_times(server)
        worker.kill()
        eventually(lambda: server.instant('up{instance="worker-1"} == 0'), within=30, what="a scrape without answer")
        page = eventually(lambda: told(hub, "RoleGone", "worker"), within=60, what="a page about the worker")
        assert [receiver["name"] for receiver in page["receivers"]] == ["page"]
        assert page["annotations"]["runbook"] == "docs/runbooks.md#rolegone"
        assert page["annotations"]["summary"] == "no worker process is up"
        stack.enter_context(role("worker", database_url, tmp_path))
        eventually(lambda: server.instant('up{instance="worker-1"} == 1'), within=30, what="its successor")
        eventually(lambda: start_times(server) != began, within=30, what="the successor's figures")
        series = server.get("series", **{"match[]": 'registration_queue_depth{queue="sms"}'})
        assert [(one["job"], one["instance"]) for one in series] == [("worker", "worker-1")]


def start_times(server: Prometheus) -> list[str]:
    found = server.instant('registration_process_start_timestamp_seconds{instance="worker-1"}')
    return [one["value"][1] for one in found]


def told(hub: str, name: str, job: str | None) -> Any:
    """The alert as Alertmanager has it, or None."""
    with urlopen(f"http://{hub}/api/v2/alerts") as answer:
        alerts = json.load(answer)
    for one in alerts:
        if one["labels"]["alertname"] == name and one["labels"].get("job") == job:
            return one
    return None


def test_provisioning_names_what_exists() -> None:
    """Grafana reports a broken file by silence: data source and folder must be those that the dashboards name."""
    provisioning = DASHBOARDS / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "launchnight.yml").read_text())["datasources"]
    by_uid = {source["uid"]: source for source in sources}
    for board in boards.boards().values():
        (variable,) = [one for one in board["templating"]["list"] if one["name"] == "datasource"]
        assert by_uid[variable["current"]["value"]]["type"] == variable["query"] == "prometheus"
    scraping = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert by_uid["prometheus"]["jsonData"]["timeInterval"] == scraping == f"{boards.SCRAPE}s"
