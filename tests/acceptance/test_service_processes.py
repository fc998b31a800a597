"""`python -m service`: the roles as processes, how they start, how they end, and what they refuse."""

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.service_process import LEAST, command, running

KEY = "22" * 32


def finished(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), env=LEAST | variables, capture_output=True, text=True, timeout=60, check=False
    )


def settings_for(database_url: str, folder: Path, **more: str) -> dict[str, str]:
    variables = {"SECRET_KEY": KEY, "PORT": "0", "PHOTO_DIR": str(folder / "photos"), **more}
    return {"DATABASE_URL": database_url} | {f"REGISTRATION_{name}": value for name, value in variables.items()}


def test_three_roles_in_three_processes(database_url, tmp_path):
    """Each says where it answers, each has one metrics port; a ticket drawn at the web is let in by the gatekeeper."""
    variables = settings_for(database_url, tmp_path)
    migrated = finished("migrate", **variables)
    assert (migrated.returncode, json.loads(migrated.stdout)) == (0, {"applied": [], "wave": 1})
    with ExitStack() as stack:
        started = {
            role: stack.enter_context(running(role, "--lifeline", **variables))
            for role in ("gatekeeper", "worker", "web")
        }
        ready = {role: line for role, (_, line) in started.items()}
        base = f"http://127.0.0.1:{ready['web']['port']}"
        ask = Request(f"{base}/tickets", b"{}", {"Content-Type": "application/json", "Idempotency-Key": "1"})
        with urlopen(ask) as answer:
            drawn = json.load(answer)
        held = {"Waiting-Room-Ticket": drawn["ticket"], "Waiting-Room-Secret": drawn["secret"]}
        deadline = time.monotonic() + 20
        state = ""
        while state != "invited" and time.monotonic() < deadline:
            with urlopen(Request(f"{base}/place", headers=held)) as answer:
                state = json.load(answer)["state"]
        metrics = {}
        for role, line in ready.items():
            with urlopen(f"http://127.0.0.1:{line['metrics_port']}/metrics") as answer:
                metrics[role] = answer.read().decode()
        ledger = finished("ledger", "--json", **variables)
        for process, _ in started.values():
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(20) for process, _ in started.values()]
    assert state == "invited"
    assert all(line["ready"] is True and line["role"] == role for role, line in ready.items())
    assert ready["worker"]["port"] is None and ready["web"]["host"] == "127.0.0.1"
    assert 'registration_stage_total{stage="ticketed"} 1.0' in metrics["web"]
    assert "registration_waiting_room_frontier " in metrics["gatekeeper"]
    assert set(json.loads(ledger.stdout)) == {"accounts", "codes", "identity_checks", "photos", "joins"}
    assert codes == [0, 0, 0]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_health_is_that_of_process_and_database(database_url, tmp_path, role):
    """0 while both answer; 1 without the database, and 1 without the process."""
    variables = settings_for(database_url, tmp_path)
    with running(role, "--lifeline", **variables) as (_, line):
        variables["REGISTRATION_PORT"] = str(line["port"] or 0)
        variables["REGISTRATION_METRICS_PORT"] = str(line["metrics_port"])
        good = finished("health", role, **variables)
        other = finished("health", role, **variables | {"DATABASE_URL": "postgresql://app:swordfish@127.0.0.1:1/none"})
    gone = finished("health", role, **variables)
    assert (good.returncode, good.stderr) == (0, "")
    assert gone.returncode == 1
    assert f"the {role} does not answer on port" in gone.stderr
    if role == "web":  # asks its own process, which has the right address
        assert other.returncode == 0
    else:
        assert (other.returncode, other.stderr) == (1, "the database of DATABASE_URL does not answer\n")


def test_health_needs_ports_that_are_known(database_url, tmp_path):
    refused = finished("health", "web", **settings_for(database_url, tmp_path))
    assert refused.returncode == 2
    assert "REGISTRATION_PORT is 0" in refused.stderr


@pytest.mark.parametrize("role", ["web", "worker", "gatekeeper"])
def test_a_role_ends_with_its_lifeline(database_url, tmp_path, role):
    """Standard input closes, whatever became of the parent: the process ends by itself, cleanly."""
    with running(role, "--lifeline", **settings_for(database_url, tmp_path)) as (process, _):
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_start_that_cannot_succeed_names_the_fix(database_url, tmp_path):
    """Settings, ports, folder and database: exit 2, standard output empty, every fault of the settings at once."""
    good = settings_for(database_url, tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        blocked = tmp_path / "file"
        blocked.write_text("")
        failures = {
            "settings": finished("web", REGISTRATION_PORT="x", REGISTRATION_SPEED="1"),
            "port": finished("web", **good | {"REGISTRATION_PORT": port}),
            "metrics port": finished("worker", **good | {"REGISTRATION_METRICS_PORT": port}),
            "photo folder": finished("web", **good | {"REGISTRATION_PHOTO_DIR": str(blocked / "photos")}),
            "database": finished("worker", **good | {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{port}/c"}),
            "data folder": finished("all", "--data", str(blocked)),
        }
    assert {name: done.returncode for name, done in failures.items()} == dict.fromkeys(failures, 2)
    assert all(done.stdout == "" and "Traceback" not in done.stderr for done in failures.values())
    said = {name: done.stderr for name, done in failures.items()}
    for part in ("REGISTRATION_PORT", "REGISTRATION_SPEED: unknown", "DATABASE_URL: required", "SECRET_KEY: required"):
        assert part in said["settings"]
    assert port in said["port"] and "REGISTRATION_PORT" in said["port"]
    assert port in said["metrics port"] and "REGISTRATION_METRICS_PORT" in said["metrics port"]
    assert str(blocked) in said["photo folder"] and "DATABASE_URL" in said["database"]
    assert "--data" in said["data folder"]


def test_the_help_is_quick_and_needs_nothing():
    """No heavy import: what answers requests is not loaded to explain itself."""
    program = "import sys, service.__main__ as m\ntry: m.main(['--help'])\nexcept SystemExit: pass\n"
    program += "assert not {'starlette', 'asyncpg', 'aiohttp', 'uvicorn', 'msgspec'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=LEAST, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in ("web", "worker", "gatekeeper", "all", "database", "migrate", "ledger"):
        assert verb in done.stdout
