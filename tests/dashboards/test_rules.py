"""Rules and configuration are what promtool and amtool accept, and every alert is tested and leads somewhere."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import boards
from tests.boards import DASHBOARDS, PROMETHEUS
from tests.dashboards.conftest import promtool
from tests.tools import need

ALERTS = {rule["alert"]: rule for rule in boards.rules("alerts")}
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
ALERTMANAGER = DASHBOARDS / "alertmanager" / "alertmanager.yml"

pytestmark = pytest.mark.timeout(200)


def test_rules_and_configuration_are_accepted() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted(PROMETHEUS.glob("*.rules.yml")))
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert amtool("check-config", ALERTMANAGER).count("SUCCESS") == 1


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_clear_as_written(path: Path) -> None:
    promtool("test", "rules", path)


def test_a_wrong_expectation_is_seen(tmp_path: Path) -> None:
    """Negative control: the same cases with the threshold moved out of reach do not pass."""
    rules = (PROMETHEUS / "alerts.rules.yml").read_text()
    (tmp_path / "alerts.rules.yml").write_text(rules.replace("ratio_rate1m > 0.2", "ratio_rate1m > 2"))
    (tmp_path / "recording.rules.yml").write_text((PROMETHEUS / "recording.rules.yml").read_text())
    (tmp_path / "tests").mkdir()
    cases = tmp_path / "tests" / "partners.yml"
    written = yaml.safe_load((PROMETHEUS / "tests" / "partners.yml").read_text())
    about = [case for case in written["tests"] if "PartnerFailing" in str(case)]
    cases.write_text(yaml.safe_dump({**written, "tests": about}))
    need("promtool", package="prometheus")
    done = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "PartnerFailing" in done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_is_tested_for_firing_not_firing_and_clearing(alert: str) -> None:
    assert untested(alert, cases_of_all()) == []


@cache
def cases_of_all() -> list[dict[str, Any]]:
    return [case for path in UNIT_TESTS for case in yaml.safe_load(path.read_text())["tests"]]


def untested(alert: str, cases: list[dict[str, Any]]) -> list[str]:
    """What the cases leave out about an alert: that it fires, that it does not, that it ends."""
    wanted = {"fires", "does not fire", "ends"} - ({"does not fire", "ends"} if alert == "Watchdog" else set())
    for case in cases:
        fired = False
        for asked in sorted(case["alert_rule_test"], key=lambda one: seconds(one["eval_time"])):
            if asked["alertname"] == alert:
                fires = bool(asked.get("exp_alerts"))
                wanted -= {"fires"} if fires else {"ends"} if fired else {"does not fire"}
                fired |= fires
    return sorted(wanted)


def seconds(duration: str) -> float:
    """Of 1h30m, 45s and the like."""
    total, digits = 0.0, ""
    for letter in duration:
        if letter.isdigit():
            digits += letter
        else:
            total, digits = total + int(digits) * {"h": 3600, "m": 60, "s": 1}[letter], ""
    return total


def test_missing_cases_are_seen() -> None:
    """Negative control."""
    fires = {"eval_time": "5m", "alertname": "A", "exp_alerts": [{}]}
    assert untested("A", [{"alert_rule_test": [fires]}]) == ["does not fire", "ends"]
    assert untested("A", [{"alert_rule_test": [{"eval_time": "1m30s", "alertname": "A"}, fires]}]) == ["ends"]


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_leads_to_runbook_dashboard_and_panel(alert: str) -> None:
    rule = ALERTS[alert]
    about = rule["annotations"]
    assert set(about) == {"summary", "description", "runbook", "dashboard", "panel"}
    assert about["runbook"] == f"docs/runbooks.md#{alert.lower()}"
    assert f"\n## {alert}\n" in boards.RUNBOOKS.read_text()
    board = boards.boards()[about["dashboard"].removeprefix("/d/")]
    assert about["panel"] in {panel["title"] for panel in boards.panels(board)}
    assert rule["labels"]["severity"] in {"page", "ticket", "none"}


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=PartnerFailing severity=page partner=sms", "page"),
        ("alertname=JobsDead severity=ticket queue=sms", "ticket"),
        ("alertname=Watchdog severity=none", "heartbeat"),
        ("alertname=SomebodyForgotTheSeverity", "ticket"),
    ],
)
def test_alert_goes_to_its_receiver(labels: str, receiver: str) -> None:
    assert amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split()).strip() == receiver


def amtool(*arguments: object) -> str:
    need("amtool", package="prometheus-alertmanager")
    done = subprocess.run(["amtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
