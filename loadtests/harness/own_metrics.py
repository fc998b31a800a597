"""What the harness says of the rehearsal: `rehearsal_*`, on a port of its own, scraped like every other target."""

from collections.abc import Iterable
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from loadtests.harness.cpu import CpuSampler
from loadtests.harness.machine import Machine
from loadtests.harness.samples import Target

HOST = "127.0.0.1"
PHASES = ("prepare", "arrivals", "drain", "audit")


class _Programs(Collector):
    """What the programs of the rehearsal used of the processors, as last sampled."""

    def __init__(self, cpu: CpuSampler) -> None:
        self._cpu = cpu

    def collect(self) -> Iterable[Metric]:
        used = CounterMetricFamily(
            "rehearsal_cpu_seconds_total", "CPU seconds of a role's process tree.", labels=["role"]
        )
        for role, seconds in self._cpu.seconds.items():
            used.add_metric([role], seconds)
        yield used
        waited = CounterMetricFamily(
            "rehearsal_core_wait_seconds_total",
            "Time in which processes of a role could run and had no core, added up.",
            labels=["role"],
        )
        for role, seconds in self._cpu.core_waits.items():
            waited.add_metric([role], seconds)
        yield waited
        loop = CounterMetricFamily(
            "rehearsal_main_thread_seconds_total",
            "Time in which a program's main thread, which runs its event loop, ran, and waited for a core.",
            labels=["role", "program", "state"],
        )
        allowed = GaugeMetricFamily(
            "rehearsal_allowed_cores", "Cores that a program may run on.", labels=["role", "program"]
        )
        for program, each in self._cpu.loops.items():
            loop.add_metric([each.role, program, "ran"], each.ran)
            loop.add_metric([each.role, program, "waited"], each.waited)
            allowed.add_metric([each.role, program], each.allowed)
        yield loop
        yield allowed


class OwnMetrics:
    """Instruments of the harness and the port that shows them."""

    def __init__(self, cpu: CpuSampler, faults: Iterable[tuple[str, str]]) -> None:
        """faults: (kind, target) of every fault that may become active; each series exists from the start."""
        registry = CollectorRegistry(auto_describe=True)
        registry.register(_Programs(cpu))
        registry.register(Machine())
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
