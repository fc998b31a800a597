"""One small real rehearsal with faults, recorded, exported and loaded into a real Prometheus; played once a session."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests import openmetrics
from loadtests.harness.processes import environment
from loadtests.openmetrics import Exported
from scenarios.record import Run
from tests import boards
from tests.boards import ROOT
from tests.dashboards.servers import Prometheus, prometheus
from tests.tools import need

# About 15 people in 24 seconds; faults that give every figure about partners something to show.
REHEARSE = [
    "--reading", "harsh", "--people", "1/500", "--minutes", "0.4", "--pace", "500", "--seed", "4",
    "--drain-minutes", "0.5", "--quiet", "--json",
]  # fmt: skip
FAULTS = """
[[faults]]
kind = "slow"
target = "sms"
start_s = 6
end_s = 14
factor = 2.0

[[faults]]
kind = "errors"
target = "civil_registry"
start_s = 10
end_s = 20
factor = 1.0
"""
ENDED = {0, 3, 5}
"""Met, missed, or too late on a busy machine: all the same for what is looked at here."""


@dataclass(frozen=True)
class Recorded:
    """A run, exported."""

    run: Run
    exported: Exported

    @property
    def id(self) -> str:
        return str(self.run.config["id"])


@dataclass(frozen=True)
class Loaded:
    """A Prometheus that holds a run, with all that the recording rules make of it."""

    server: Prometheus
    recorded: Recorded

    @property
    def range_s(self) -> int:
        return int(self.recorded.exported.last - self.recorded.exported.first) + 1

    def values(self, expr: str, *, instant: bool = False) -> list[float]:
        """All values of a question in Grafana's words, over the whole run or at its end."""
        asked = boards.filled(expr, run=self.recorded.id, range_s=self.range_s)
        first, last = self.recorded.exported.first, self.recorded.exported.last
        if instant:
            return [float(series["value"][1]) for series in self.server.instant(asked, last)]
        found = self.server.over(asked, first, last, boards.SCRAPE)
        return [float(text) for series in found for _, text in series["values"]]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("rehearsal")
    night = folder / "night.toml"
    night.write_text((ROOT / "scenarios" / "nights" / "prakerja-wave-1.toml").read_text() + FAULTS)
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.cli", "rehearse", str(night), *REHEARSE],
        cwd=folder,
        env={name: value for name, value in environment({}).items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode in ENDED, done.stderr
    run = Run.load(Path(json.loads(done.stdout)["report"]).parent)
    return Recorded(run, openmetrics.export(run))


@pytest.fixture(scope="session")
def loaded(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """As docs/dashboards.md tells an engineer to look at an old run."""
    need("prometheus", package="prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    data, made, configuration = folder / "data", folder / "made", folder / "prometheus.yml"
    configuration.write_text("global: {scrape_interval: 2s}\n")
    options = ("--query.lookback-delta=10s", "--storage.tsdb.retention.time=50y")
    exported = recorded.exported
    promtool("tsdb", "create-blocks-from", "openmetrics", exported.path, data)
    with prometheus(configuration, data, *options) as server:
        promtool(
            "tsdb", "create-blocks-from", "rules", "--url", server.url, "--start", int(exported.first), "--end",
            int(exported.last) + 1, "--eval-interval", "2s", "--output-dir", made,
            boards.PROMETHEUS / "recording.rules.yml",
        )  # fmt: skip
    for block in made.iterdir():
        shutil.move(block, data / block.name)
    with prometheus(configuration, data, *options) as server:
        yield Loaded(server, recorded)


def promtool(*arguments: object) -> str:
    need("promtool", package="prometheus")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
