"""Samples from a Prometheus server instead of the harness's own scraper: a running one, or one started for the run.

Either finds its targets in a file that the rehearsal writes (file service discovery). Raw samples come back unaltered
by an instant query with a range selector; a range query would resample them.
"""

import json
import math
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from loadtests.harness.errors import NotReady, Refusal
from loadtests.harness.http_json import Unanswered, ask
from loadtests.harness.processes import Child, python
from loadtests.harness.samples import Target, kept
from scenarios.record import SamplesWriter

HOST = "127.0.0.1"
INTERVAL = 2
"""Seconds between scrapes of a server started by us; the same as the own scraper's."""
UP_WITHIN = 30.0
SEEN_WITHIN = 30.0
"""Seconds for a server to find the file of targets and scrape each of them once."""
LATEST_FOR = 2.0
"""Seconds for which the latest values are shown without asking again."""
QUERY_TIMEOUT = 120.0

MISSING = "no prometheus on the PATH: apt-get install prometheus, or leave --prometheus out"

CONFIGURATION = """\
global:
  scrape_interval: {interval}s
  scrape_timeout: {interval}s
scrape_configs:
  - job_name: launchnight
    file_sd_configs:
      - files: [{targets}]
"""


def executable() -> str:
    """The path of `prometheus`. Raises Refusal with the fix when there is none."""
    path = shutil.which("prometheus")
    if path is None:
        raise Refusal(MISSING)
    return path


def start(folder: Path, targets_file: Path, *, logs: Path, started: Callable[[Child], None]) -> str:
    """Start a server that scrapes the targets of `targets_file`; returns its address when it answers.

    folder: for its configuration and samples. `started` hears of the process at once, so that it is always stopped.
    """
    program = executable()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(interval=INTERVAL, targets=json.dumps(str(targets_file))))
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'samples'}",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
    ]
    child = Child("prometheus", python("-m", "loadtests.harness.leash", *command), settings={}, logs=logs)
    started(child)
    url = f"http://{HOST}:{port}"
    deadline = time.monotonic() + UP_WITHIN
    while not _answers(url):
        if child.code is not None or time.monotonic() > deadline:
            raise NotReady(f"prometheus did not come up; its log: {child.log}")
        time.sleep(0.1)
    return url


def check(url: str) -> None:
    """Raises Refusal when no Prometheus answers at `url`."""
    if not _answers(url):
        raise Refusal(f"no Prometheus answers at {url}: start it, or use --prometheus auto")


def _answers(url: str) -> bool:
    try:
        ask("GET", f"{url}/api/v1/status/buildinfo", timeout=5)
    except Unanswered:
        return False
    return True


class PrometheusSource:
    """Samples of one run from a server; its series carry the label `run`, which is left out of the record."""

    def __init__(self, url: str, targets_file: Path, run: str, *, shown: Iterable[str]) -> None:
        """shown: names whose latest values will be asked for."""
        self._url = url
        self._file = targets_file
        self._run = run
        self._shown = "|".join(map(re.escape, shown))
        self._jobs: list[str] = []
        self._targets = 0
        self._since = 0.0
        self._latest: list[tuple[dict[str, str], float]] = []
        self._latest_at = -math.inf

    def watch(self, targets: list[Target]) -> None:
        self._since = time.time()
        self._targets = len(targets)
        self._jobs = sorted({target.job for target in targets})
        groups = [{"targets": [one.instance], "labels": {"job": one.job, "run": self._run}} for one in targets]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(groups))
        draft.replace(self._file)  # the server watches the folder and must never read half a file
        if not self._scraped_since(self._since, SEEN_WITHIN):
            raise Refusal(
                f"the Prometheus at {self._url} does not scrape this run's targets: "
                f"add file_sd_configs with files: ['{self._file.parent}/*.json'] to a scrape job of it"
            )

    def total(self, name: str, **labels: str) -> float:
        wanted = labels.items()
        return sum(value for own, value in self.latest(name) if wanted <= own.items())

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        if time.monotonic() - self._latest_at > LATEST_FOR:
            try:
                self._latest = [
                    (series["metric"], float(series["value"][1]))
                    for series in self._query(f'{{run="{self._run}",__name__=~"{self._shown}"}}')
                ]
            except Unanswered:
                pass  # the display shows what was known; samples are asked for again at the end
            self._latest_at = time.monotonic()
        return [pair for pair in self._latest if pair[0]["__name__"] == name]

    def finish(self, writer: SamplesWriter, opens_at: float) -> None:
        if not self._jobs:
            return
        self._scraped_since(time.time(), SEEN_WITHIN)
        span = math.ceil(time.time() - self._since) + 1
        for job in self._jobs:
            for series in self._query(f'{{run="{self._run}",job="{job}"}}[{span}s]'):
                labels = dict(series["metric"])
                name = labels.pop("__name__")
                del labels["run"]
                if kept(name):
                    for at, value in series["values"]:
                        writer.add(float(at) - opens_at, name, labels, float(value))
        self._file.unlink(missing_ok=True)

    def _scraped_since(self, moment: float, within: float) -> bool:
        """Wait until every target has a scrape that began after `moment`; False when that takes too long."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            moments = [float(series["value"][1]) for series in self._query(f'timestamp(up{{run="{self._run}"}})')]
            if len(moments) == self._targets and min(moments) >= moment:
                return True
            time.sleep(0.2)
        return False

    def _query(self, query: str) -> list[dict[str, Any]]:
        form = urlencode({"query": query, "timeout": f"{QUERY_TIMEOUT:g}s"})
        answer = ask("POST", f"{self._url}/api/v1/query", form=form, timeout=QUERY_TIMEOUT)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found
