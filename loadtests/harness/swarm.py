"""The swarm as a child of a rehearsal: what it is started with, and when its doors open."""

from typing import Any

from loadtests import needs
from loadtests.harness.order import Order
from loadtests.harness.processes import LOOPBACK, ROOT, free_ports, python
from loadtests.harness.programs import Programs
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.samples import Target


def needed(order: Order) -> list[str]:
    """What the generator needs, what this machine has, and a warning for each thing that is short; a line each."""
    sources = needs.sources_to(order.running.target if order.running is not None else f"http://{LOOPBACK}")
    return needs.lines(order.needs, needs.machine(), workers=order.workers, sources=sources)


def launch(programs: Programs, order: Order, folder: RunFolder, *, url: str, partners_url: str) -> list[Target]:
    """Launch the swarm against the service at `url`, not yet ready; returns where its metrics will be."""
    port = free_ports(order.workers + 2)  # master, its workers, and where they find it
    programs.launch("swarm", _command(order, folder, url, partners_url, port))
    ports = [port] if order.workers == 1 else [port + 1 + i for i in range(order.workers)]
    return [Target("swarm", LOOPBACK, one) for one in ports]


def await_opening(programs: Programs) -> float:
    """When the doors open (unix): the swarm says it when all its workers are ready, about 2 s before."""
    programs.await_ready(["swarm"])
    return float(programs.children["swarm"].ready["opens_at"])


def account(programs: Programs) -> dict[str, Any]:
    """What the swarm has said of itself at its end, as run.json keeps it: was it the limit, did it lose workers."""
    done = programs.children["swarm"].heard("done") or {}
    return {name: done[name] for name in ("health", "takeovers", "onlookers") if name in done}


def losses(account: dict[str, Any]) -> list[str]:
    """One line for each worker that the swarm lost."""
    return [
        f"the swarm lost worker {one['worker']} at {one['at_s']:.1f} s: {one['cut']:,} of its people are cut, "
        f"{len(one['takers'])} others went on with its {one['shards']} shards, {one['overdue']:,} people started late"
        for one in account.get("takeovers", ())
    ]


def night_options(order: Order) -> list[str]:
    """What swarm and partners are both told of the night."""
    return [
        "--night", order.night_name,
        "--set", order.set_name,
        "--people", str(order.factors.people),
        "--speed", repr(order.factors.speed),
        "--seed", str(order.seed),
    ]  # fmt: skip


def _command(order: Order, folder: RunFolder, url: str, partners_url: str, metrics_port: int) -> list[str]:
    return python(
        "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py"),
        "--headless", "--only-summary", "--lifeline",
        "--host", url,
        *night_options(order),
        "--reading", order.reading,
        "--manners", order.manners,
        "--uploader", order.uploader,
        "--arrivals", order.arrivals,
        "--spacing", order.spacing,
        "--steps", str(order.steps),
        "--onlookers", order.onlookers,
        "--without-javascript", order.without_javascript,
        "--pace", repr(order.factors.pace),
        "--minutes", repr(order.minutes),
        "--drain-minutes", repr(order.drain_minutes),
        "--partners-url", partners_url,
        "--record", str(folder.path),
        "--opens-at", "0",
        "--photo-dir", str(order.work / "photos"),
        "--swarm-metrics-port", str(metrics_port),
        *_several_workers(order.workers, metrics_port + order.workers + 1),
    )  # fmt: skip


def _several_workers(workers: int, port: int) -> list[str]:
    """Locust's master on a port of its own: another rehearsal may run on this machine."""
    if workers == 1:
        return []
    return ["--processes", str(workers), "--master-bind-port", str(port), "--master-port", str(port)]
