"""Which settings make runs unlike, and which runs are repeats."""

import inspect
import re
from copy import deepcopy
from typing import Any

import pytest

from loadtests.harness.run_folder import RunFolder
from reports import likeness
from scenarios.record import CONFIG_KEYS
from tests.unit import synthetic_run


def config(**changed: Any) -> dict[str, Any]:
    return {**deepcopy(synthetic_run.config(100)), **changed}


def test_seed_and_plan_do_not_count():
    other = config(seed=2, plan_hash="cd" * 32, planned=104, id="another", opens_at=1, last_arrival_s=299.0)
    assert likeness.differences(config(), other) == []
    assert likeness.repeats(config(), other)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"set": "as-launched"}, "set"),
        ({"factors": {"people": "1/50", "speed": 1.0, "pace": 20.0}}, "factors.people"),
        ({"arrivals": "constant:5"}, "arrivals"),
        ({"steps": 4}, "steps"),
        ({"uploader": "one_shot"}, "uploader"),
        ({"minutes": 6}, "minutes"),
        ({"machine": {"cpus": 4, "memory_bytes": 8 << 30}}, "machine.cpus"),
        ({"machine": {"cpus": 2, "memory_bytes": 16 << 30}}, "machine.memory_gib"),
        ({"stack": {"started": True, "replicas": 2, "proxy": "nginx"}}, "stack.proxy"),
        (
            {"stack": {"started": True, "settings": {"DATABASE_CONNECTIONS": "4"}}},
            "stack.settings.DATABASE_CONNECTIONS",
        ),
        ({"stack": {"started": True, "pins": {"web": "0"}}}, "stack.pins.web"),
    ],
)
def test_what_was_played_counts(changed, key):
    found = likeness.differences(config(), config(**changed))
    assert key in [one.key for one in found]
    assert not likeness.repeats(config(), config(**changed))


def test_a_night_counts_but_not_how_it_is_told_and_judged():
    told = config()
    told["night"]["title"] = "another title"
    told["night"]["objectives"] = {**told["night"]["objectives"], "api_p95_s": 2.0}
    assert likeness.differences(config(), told) == []
    played = config()
    played["night"]["faults"] = [{"kind": "kill", "target": "web", "start_s": 10.0}]
    assert next(one.key for one in likeness.differences(config(), played)) == "night.faults[0].kind"


def test_a_record_that_does_not_say_it_meant_what_was_usual():
    said = config(arrivals="", spacing="random", steps=0, uploader="patient")
    said["stack"] = {"started": True, "replicas": 1, "proxy": None, "target": "http://127.0.0.1:1"}
    assert likeness.differences(config(), said) == []


def test_other_code_is_what_is_compared():
    newer = config(versions={"launchnight": "0.2.0"})
    assert likeness.differences(config(), newer) == []
    assert not likeness.repeats(config(), newer)


def test_repeats_stand_together():
    new, old = {"launchnight": "0.2.0"}, {"launchnight": "0.1.0"}
    runs = [config(versions=old, seed=1), config(versions=new, seed=1), config(versions=old, seed=2)]
    assert likeness.grouped(runs) == [[0, 2], [1]]
    assert likeness.grouped([config(seed=seed) for seed in range(4)]) == [[0, 1, 2, 3]]


def test_every_key_of_a_record_counts_or_does_not():
    """A new key of run.json must be put on one of the lists, or runs that differ in it are compared unawares."""
    written = set(re.findall(r'"(\w+)":', inspect.getsource(RunFolder.write_config))) | set(CONFIG_KEYS)
    inside = {"people", "speed", "pace"}  # of the factors
    written |= {"simulated", "simulation"}  # scenarios/simulation/recorded.py
    assert written - inside == set(likeness.COUNTED) | set(likeness.NOT_COUNTED)
