"""The simulated night: what it costs, and what it saves against the same model in SimPy.

`.vs_simpy`: CPU an applicant of the oracle (tests/simpy_oracle), beside that of the kernel for the same people and
seed. `.growth_200k_2m`: CPU an event of two million people, beside that of 200,000.
`.cpu_s`, `.peak_rss_mb`: of these two million, simulation alone; `.command_...`: of all of `launchnight simulate`, with
record and report; `.whole_...`: of all the night's registrations. BENCH_PEOPLE, BENCH_ORACLE_PEOPLE and BENCH_RUNS make
it smaller.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.benchmarks.rows import Row, alone, paired
from tests.children import child_process
from tests.simpy_oracle.comparing import by_kernel, by_oracle, differences
from tests.unit.simulated_nights import night_of, setup_of

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "2000000"))
ORACLE_PEOPLE = int(os.environ.get("BENCH_ORACLE_PEOPLE", "2000"))
TENTH = 10
KERNEL_RUNS = 5
"""For one of the oracle, which takes so much longer."""
SIMULATE = [sys.executable, "-m", "loadtests.cli", "simulate", "prakerja-wave-1", "--json", "--quiet"]


def rows() -> Iterator[Row]:
    yield _against_simpy()
    simulated("--people", str(PEOPLE // TENTH), "--cut")  # compiles where nothing is compiled yet
    many, few = zip(*(_growth_pair() for _ in range(RUNS)), strict=True)
    yield paired(
        "simulation.growth_200k_2m",
        "us CPU an event",
        [each["cpu_s"] / each["events"] * 1e6 for each in many],
        [each["cpu_s"] / each["events"] * 1e6 for each in few],
    )
    yield alone("simulation.cpu_s", "s", [each["cpu_s"] for each in many])
    yield alone("simulation.peak_rss_mb", "MB", [each["peak_rss_mb"] for each in many])
    yield alone("simulation.events", "events", [each["events"] for each in many])
    cpu_s, peak_mb = _command("--people", str(PEOPLE), "--cut")
    yield alone("simulation.command_cpu_s", "s", [cpu_s])
    yield alone("simulation.command_peak_rss_mb", "MB", [peak_mb])
    whole = simulated("--people", "1" if PEOPLE >= 2_000_000 else f"1/{5_965_048 // PEOPLE}")
    print(f"all {whole['people']:,} registrations: {whole['events']:,} events", file=sys.stderr)
    yield alone("simulation.whole_cpu_s", "s", [whole["cpu_s"]])
    yield alone("simulation.whole_peak_rss_mb", "MB", [whole["peak_rss_mb"]])


def _against_simpy() -> Row:
    """Each run of the oracle beside some of the kernel, which must agree with it about everybody."""
    setup = setup_of(night_of())
    by_kernel(setup, ORACLE_PEOPLE, plain=False)
    oracle_us, kernel_us = [], []
    for _ in range(RUNS):
        kernel_us.append(_cpu_s(lambda: [by_kernel(setup, ORACLE_PEOPLE, plain=False) for _ in range(KERNEL_RUNS)]))
        oracle_us.append(_cpu_s(lambda: by_oracle(setup, ORACLE_PEOPLE)))
        print(f"oracle {oracle_us[-1]:.1f} s, {KERNEL_RUNS} times the kernel {kernel_us[-1]:.2f} s", file=sys.stderr)
    found = differences(by_kernel(setup, ORACLE_PEOPLE, plain=False), by_oracle(setup, ORACLE_PEOPLE))
    if found:
        raise RuntimeError(f"not the same model: {len(found)} differences, first {found[0]}")
    per_person = 1e6 / ORACLE_PEOPLE
    return paired(
        "simulation.vs_simpy",
        "us CPU an applicant of the oracle",
        [each * per_person for each in oracle_us],
        [each * per_person / KERNEL_RUNS for each in kernel_us],
    )


def _growth_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    many = simulated("--people", str(PEOPLE), "--cut")
    return many, simulated("--people", str(PEOPLE // TENTH), "--cut")


def simulated(*options: str) -> dict[str, Any]:
    """What `launchnight simulate` says of the night when nothing is written, in a process of its own."""
    told = subprocess.run([*SIMULATE, *options, "--no-record"], stdout=subprocess.PIPE, check=True).stdout
    document: dict[str, Any] = json.loads(told)
    print(f"{document['people']:,} people: {document['cpu_s']:.1f} s", file=sys.stderr)
    return document


def _command(*options: str) -> tuple[float, float]:
    """Seconds of CPU of the command with record and report, and the most memory of a process of it, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        with child_process([*SIMULATE, *options, "--out", f"{folder}/run"], stdout=subprocess.DEVNULL) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"simulate ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _cpu_s(play: Callable[[], object]) -> float:
    began = time.process_time()
    play()
    return time.process_time() - began
