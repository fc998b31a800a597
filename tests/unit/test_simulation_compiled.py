"""Kernels give the same results compiled, from disk and uncompiled, and never those of a source that has changed."""

import fcntl
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numba
import pytest

from scenarios.simulation import compiled
from scenarios.simulation.compiled import SOURCES, cache_folder, forget_unused, ready, source_digest
from scenarios.simulation.pools import make_pools
from scenarios.simulation.sharing import make_sharing
from scenarios.simulation.wheel import make_wheel
from tests.children import child_process
from tests.unit.simulation_queues import Queue, exponentials, play, shared_stays

ROOT = Path(__file__).parents[2]
HELPER = """
from scenarios.simulation.compiled import shared

@shared
def step(x):
    return 3 * x + 1
"""
PROBE = """
import json, numba, os
from scenarios.simulation.compiled import cache_folder, ready
from scenarios.simulation.helper import step

def kernel(count):
    x = 7
    for _ in range(count):
        x = step(x) % 1_000_003
    return x

kept = ready(kernel, plain=False)
numba.config.CACHE_DIR = os.environ["BARE"]
bare = numba.njit(cache=True)(kernel)
found = {"kept": kept(99), "plain": ready(kernel, plain=True)(99), "bare": bare(99), "folder": cache_folder().name}
print(json.dumps({**found, "from_disk": sum(kept.dispatcher.stats.cache_hits.values())}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """All sources that can be compiled, in a tree of their own, and a helper in a file of its own."""
    tree = tmp_path_factory.mktemp("tree")
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            (tree / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / path.relative_to(ROOT))
    (tree / "service" / "__init__.py").touch()
    (tree / "scenarios/simulation/helper.py").write_text(HELPER)
    (tree / "probe.py").write_text(PROBE)
    return tree


def probe(tree):
    """A process of its own that looks."""
    folders = {"NUMBA_CACHE_DIR": str(tree / "kept"), "BARE": str(tree / "bare")}
    environment = {**os.environ, **folders, "PYTHONPATH": str(tree)}
    return child_process([sys.executable, "probe.py"], cwd=tree, env=environment, stdout=-1)


def probed(tree):
    """What a process of its own finds."""
    with probe(tree) as process:
        return told(process)


def told(process):
    return json.loads(process.communicate(timeout=100)[0])


def test_an_edited_helper_is_compiled_anew(copy):
    """Cold, from disk and plain agree; a kernel whose helper was edited in another file is not taken from disk.

    The negative control is `bare`: numba's own cache gives the old result then.
    """
    cold, warm = probed(copy), probed(copy)
    assert (cold["from_disk"], warm["from_disk"]) == (0, 1)
    assert cold["kept"] == cold["plain"] == cold["bare"] == warm["kept"]
    helper = copy / "scenarios/simulation/helper.py"
    helper.write_text(HELPER.replace("3 * x + 1", "3 * x + 2"))
    edited = probed(copy)
    assert edited["folder"] != cold["folder"]
    assert edited["from_disk"] == 0
    assert edited["kept"] == edited["plain"] != cold["kept"]
    assert edited["bare"] == cold["bare"], "numba itself has seen no edit"


def test_of_processes_that_start_cold_together_one_compiles(copy):
    """Both wait for the lock, which the test holds first; who gets it second takes from disk what the first left."""
    (copy / "scenarios/simulation/helper.py").write_text(HELPER.replace("3 * x + 1", "3 * x + 5"))
    folder = copy / "kept" / source_digest(copy)[:20]
    folder.mkdir(parents=True)
    with (folder / "kernel.lock").open("w") as lock, probe(copy) as one, probe(copy) as other:
        fcntl.flock(lock, fcntl.LOCK_EX)
        while not {str(one.pid), str(other.pid)} <= waiting_for_locks():
            assert one.poll() is None and other.poll() is None, "it has not waited"
        fcntl.flock(lock, fcntl.LOCK_UN)
        found = [told(one), told(other)]
    assert sorted(each["from_disk"] for each in found) == [0, 1]
    assert found[0]["kept"] == found[0]["plain"] == found[1]["kept"]


def waiting_for_locks():
    """Ids of the processes that wait for a lock of a file."""
    return {line.split()[5] for line in Path("/proc/locks").read_text().splitlines() if "->" in line}


def test_every_edit_has_another_digest(copy):
    """Of a rule, of a module with constants, of a kernel, a new file; touching a file changes nothing."""
    digests = [source_digest(copy)]
    for name in ("service/domain/queues.py", "scenarios/journey_state.py", "scenarios/simulation/wheel.py"):
        path = copy / name
        os.utime(path, (1, 1))
        assert source_digest(copy) == digests[-1]
        path.write_text(path.read_text() + "\nADDED = 1\n")
        digests.append(source_digest(copy))
    (copy / "scenarios" / "added.py").touch()
    digests.append(source_digest(copy))
    assert len(set(digests)) == len(digests)


def test_every_compiled_module_is_in_the_digest():
    """Rules of the service and of the night, and whatever the simulation consists of."""
    covered = {path.resolve() for pattern in SOURCES for path in ROOT.glob(pattern)}
    for rule in compiled.RULES:
        assert Path(str(sys.modules[rule.__module__].__file__)).resolve() in covered


def test_compiled_and_plain_kernels_agree():
    """On everything at once: a full line, retries, patience, people who leave; and on shared cores."""
    queue = Queue(3, 4.0, places=4, retries=2, away_s=3.0, patience_s=0.8, leave_share=0.5, newest=True)
    slow, slow_pools, slow_events = queue.played(5, 400, plain=True)
    fast, fast_pools, fast_events = queue.played(5, 400, plain=False)
    assert slow_events == fast_events > 800
    slow_arrays: list[Any] = [*slow, *slow_pools]
    fast_arrays: list[Any] = [*fast, *fast_pools]
    assert [each.tobytes() for each in slow_arrays] == [each.tobytes() for each in fast_arrays]
    works = exponentials(6, 300, 1.0)
    assert shared_stays(2, 1.6, works, 6, plain=True).tobytes() == shared_stays(2, 1.6, works, 6).tobytes()


def test_a_kernel_is_compiled_once_for_all_sizes():
    """The smallest wheel and pool are of the same type as any other."""
    assert numba.typeof(make_wheel(1)) == numba.typeof(make_wheel(99))
    assert numba.typeof(make_pools([1], [0])) == numba.typeof(make_pools([5, 5], [9, 9]))
    assert numba.typeof(make_sharing([1.0], [1])) == numba.typeof(make_sharing([1.0, 2.0], [9, 9]))


def test_the_environment_can_ask_for_plain_kernels(monkeypatch):
    monkeypatch.setenv("LAUNCHNIGHT_PLAIN", "1")
    assert ready(play) is play
    monkeypatch.setenv("LAUNCHNIGHT_PLAIN", "0")
    assert ready(play) is not play
    assert ready(play) is ready(play)


def test_without_a_place_to_keep_them_kernels_still_run(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "below"))
    cache_folder.cache_clear()
    try:
        assert cache_folder() is None
        assert ready(lambda x: x + 1, plain=False)(2) == 3
    finally:
        cache_folder.cache_clear()


def test_unused_folders_are_thrown_away(tmp_path):
    """Those of other sources, once nobody has used them for two weeks; nothing else."""
    old, new, other = tmp_path / ("a" * 20), tmp_path / ("b" * 20), tmp_path / "photos"
    for folder in (old, new, other):
        folder.mkdir()
    (old / "kernel").touch()
    for folder in (old, other):
        os.utime(folder, (time.time() - 15 * 86_400,) * 2)
    forget_unused(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {new.name, "photos"}
