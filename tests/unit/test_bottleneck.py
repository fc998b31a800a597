"""Naming the bottleneck from samples: the resource that was full while work waited, and not what it held up."""

from pathlib import Path

import numpy as np
import pytest

from reports import bottleneck
from reports.bottleneck import Named
from reports.resources import Watch
from tests.unit import recorded_strains
from tests.unit.strained_run import HARNESS, WEB, WORKER, StrainedRun, series


def named(run: StrainedRun, folder: Path) -> Named:
    return bottleneck.find(run.facts(folder))


def one(found: Named, name: str) -> bottleneck.Near:
    return next(near for near in found.all if near.id == name)


def test_nothing_is_named_when_nothing_waits(tmp_path: Path) -> None:
    """The e-mail quota is used to nine tenths and nobody waits for it: it is the nearest, and no bottleneck."""
    found = named(StrainedRun(), tmp_path)
    assert found.resource is None and found.evidence == ()
    assert found.next is not None and found.next.id == "email"
    assert "the quota of the e-mail provider, at 90 %" in found.why_not


def test_nothing_is_known_without_samples(tmp_path: Path) -> None:
    run = StrainedRun()
    run.grows.clear()
    run.holds.clear()
    found = named(run, tmp_path)
    assert found.resource is None and found.next is None and found.why_not.startswith("not known, because")


QUOTAS = {"email": "email", "sms": "sms", "identity": "civil_registry"}


@pytest.mark.parametrize("queue", QUOTAS)
def test_a_quota_that_is_used_up_while_jobs_grow_old(queue: str, tmp_path: Path) -> None:
    run = StrainedRun()
    run.lane(queue, QUOTAS[queue], rate=2.0, calls=1.95)
    run.queue(queue, jobs=1.95, depth=(0.0, 120.0), age=(0.0, 25.0))
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == queue
    assert found.resource.use == pytest.approx(0.975)
    assert found.resource.demand == pytest.approx(1.95 / 2 + 3.0 / 2, rel=0.05)  # those done, and those that piled up
    assert found.resource.holds_per_s == pytest.approx(5.0 / found.resource.demand, rel=0.05)
    assert "jobs waited" in found.evidence[1]


def test_the_next_is_the_one_that_would_be_full_first(tmp_path: Path) -> None:
    run = StrainedRun()
    run.lane("sms", "sms", rate=2.0, calls=1.95)
    run.queue("sms", jobs=1.95, depth=(0.0, 120.0), age=(0.0, 25.0))
    found = named(run, tmp_path)
    assert found.next is not None and found.next.id == "email"
    assert found.next.holds_per_s == pytest.approx(5.0 / 0.9, rel=0.05)


def test_a_loop_whose_core_others_have_is_full_while_it_hardly_runs(tmp_path: Path) -> None:
    """Its connections are then held for long, the database seems slow, the door is full: all of that is its doing."""
    run = StrainedRun()
    run.loop("web", "web", ran=0.2, waited=0.78)
    run.pool(WEB, used=15.9, waited=4.0, visits=50.0, trip_s=0.06)
    run.holds[series("registration_door_limit_requests", WEB, route_class="all")] = 4.0
    run.holds[series("registration_door_in_flight_requests", WEB, route_class="all")] = 3.9
    run.holds[series("registration_door_waiting_requests", WEB)] = 6.0
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "web"
    assert "waited for a core for 78 %" in found.evidence[1]
    assert found.next is not None and found.next.id not in ("pool", "answers", "door")


def test_a_machine_that_is_full_explains_a_loop_that_waits(tmp_path: Path) -> None:
    run = StrainedRun()
    run.loop("web", "web", ran=0.4, waited=0.58)
    for core in ("0", "1"):
        run.grows[series("rehearsal_core_busy_seconds_total", HARNESS, core=core)] = 0.99
    run.grows[series("rehearsal_core_wait_seconds_total", HARNESS, role="web")] = 2.5
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "machine"


def test_connections_that_are_all_in_use(tmp_path: Path) -> None:
    """Of a database that answers at once: there are too few of them."""
    run = StrainedRun()
    run.pool(WEB, used=15.8, waited=3.0, visits=400.0, trip_s=0.0006)
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "pool"
    assert "connections: 16" in found.evidence[0]


def test_connections_that_are_all_in_use_because_the_database_is_far(tmp_path: Path) -> None:
    run = StrainedRun()
    run.pool(WEB, used=15.8, waited=3.0, visits=100.0, trip_s=0.05)
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "answers"
    assert found.next is not None and found.next.id != "pool"


def test_inspectors_that_are_all_busy(tmp_path: Path) -> None:
    run = StrainedRun()
    run.inspectors(busy=1.0)
    run.queue("photo", jobs=10.0, depth=(0.0, 80.0), age=(0.0, 12.0))
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "photo"


def test_what_people_wait_for_comes_before_what_is_done_later(tmp_path: Path) -> None:
    """The registry is asked for far more than it does, and people go on meanwhile; codes hold them up."""
    run = StrainedRun()
    run.lane("identity", "civil_registry", rate=0.2, calls=0.2)
    run.queue("identity", jobs=0.2, depth=(0.0, 190.0), age=(0.0, 38.0))
    run.lane("email", "email", rate=4.0, calls=3.9)
    run.queue("email", jobs=3.9, depth=(0.0, 40.0), age=(0.0, 9.0))
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "email"
    assert one(found, "identity").demand > found.resource.demand


def test_a_stage_that_the_gate_spares_is_named_although_it_is_not_full(tmp_path: Path) -> None:
    """The gate lets in what the provider can do: nobody waits for the code, and many wait in line."""
    run = StrainedRun()
    run.lane("email", "email", rate=5.0, calls=3.5)
    run.holds[series("registration_waiting_room_rate_people_per_second", WORKER)] = 5.0
    run.holds[series("registration_waiting_room_bound", WORKER, stage="email")] = 1.0
    run.holds[series("registration_waiting_room_live_people", WORKER)] = (0.0, 300.0)
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "email"


def test_the_gate_is_named_where_nothing_behind_it_is_full(tmp_path: Path) -> None:
    run = StrainedRun()
    run.holds[series("registration_waiting_room_rate_people_per_second", WORKER)] = 5.0
    run.holds[series("registration_waiting_room_live_people", WORKER)] = (0.0, 300.0)
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "gate"


def test_a_short_rush_is_no_bottleneck(tmp_path: Path) -> None:
    """Jobs grew old for some seconds at the end only."""
    run = StrainedRun()
    run.lane("email", "email", rate=5.0, calls=4.9)
    run.queue("email", jobs=4.9, depth=1.0, age=(-40.0, 3.4))
    assert named(run, tmp_path).resource is None


def test_a_process_that_ran_before_tells_its_processor_time_itself(tmp_path: Path) -> None:
    """Of a stack that the harness did not start it knows no waiting for a core."""
    run = StrainedRun()
    run.grows = {key: slope for key, slope in run.grows.items() if not key[0].startswith("rehearsal_")}
    run.grows[series("registration_process_cpu_seconds_total", WEB)] = 0.97
    run.holds[series("registration_event_loop_lag_seconds", WEB)] = 0.4
    found = named(run, tmp_path)
    assert found.resource is not None and found.resource.id == "web"


def test_a_level_that_is_seen_for_a_part_of_the_time_is_that_of_the_part(tmp_path: Path) -> None:
    """Samples end at 40 s; people were there until 60 s, and the limit of the connections did not fade away."""
    facts = StrainedRun().facts(tmp_path)
    facts.people["ended"] = np.where(np.arange(len(facts.people["ended"])), facts.people["ended"], 60.0)
    limit = Watch(facts).mean("registration_database_connections_limit", job="web")
    known = limit[np.isfinite(limit)]
    assert known == pytest.approx(16.0) and 0 < len(known) < len(limit)


@pytest.mark.parametrize("name", sorted(path.stem for path in recorded_strains.FOLDER.glob("*.npz")))
def test_what_was_seeded_in_a_live_run_is_named(name: str, tmp_path: Path) -> None:
    """Recorded on a machine that other programs used as well."""
    found = bottleneck.find(recorded_strains.facts(name, tmp_path))
    assert found.resource is not None and found.resource.id == name.partition("-")[0]


def test_live_runs_were_recorded() -> None:
    """Or the test above would hold of none."""
    assert len(list(recorded_strains.FOLDER.glob("*.npz"))) >= 4
