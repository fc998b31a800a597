"""What the harness says of the rehearsal: `rehearsal_*`, on a port of its own, scraped like every other target."""

from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from loadtests.harness.samples import Target

HOST = "127.0.0.1"
PHASES = ("prepare", "arrivals", "drain", "audit")


class _CpuSeconds(Collector):
    """CPU seconds by role, as last sampled."""

    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "rehearsal_cpu_seconds_total", "CPU seconds of a role's process tree.", labels=["role"]
        )
        for role, seconds in self._read().items():
            family.add_metric([role], seconds)
        yield family


class OwnMetrics:
    """Instruments of the harness and the port that shows them."""

    def __init__(self, cpu_seconds: Callable[[], Mapping[str, float]], faults: Iterable[tuple[str, str]]) -> None:
        """faults: (kind, target) of every fault that may become active; each series exists from the start."""
        registry = CollectorRegistry(auto_describe=True)
        registry.register(_CpuSeconds(cpu_seconds))
        self._phase = Gauge("rehearsal_phase_active", "1 while this phase lasts.", ["phase"], registry=registry)
        self._fault = Gauge(
            "rehearsal_fault_active", "1 while this fault is injected.", ["fault", "target"], registry=registry
        )
        for phase in PHASES:
            self._phase.labels(phase)
        for kind, target in faults:
            self._fault.labels(kind, target)
        self._server: WSGIServer
        self._thread: Thread
        self._server, self._thread = start_http_server(0, HOST, registry=registry)
        self.target = Target("rehearsal", HOST, self._server.server_port)

    def phase(self, name: str, active: bool) -> None:
        self._phase.labels(name).set(active)

    def fault(self, kind: str, target: str, active: bool) -> None:
        self._fault.labels(kind, target).set(active)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
