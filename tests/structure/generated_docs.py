"""Pages made from the code, so that they cannot drift: `python -m tests.structure.generated_docs` writes them anew."""

import re
from pathlib import Path
from typing import Any

from loadtests.swarm_metrics import FAMILIES, SwarmMetrics
from service import settings
from service.domain import errors
from service.metrics import Metrics
from service.ports import Ports
from service.web import api
from service.web.operation import Operation
from service.web.problems import status_of

ROOT = Path(__file__).parents[2]


def settings_page() -> str:
    lines = [
        "# Settings of the service",
        "",
        "Made from `service/settings.py`; `make docs` writes it anew. Each is read from the environment variable",
        "of its name, or from the file that `NAME_FILE` names (secrets). A bad start lists every fault at once and",
        "exits with 2.",
        "",
        "| name | default | unit | why |",
        "|---|---|---|---|",
    ]
    for setting in settings.TABLE:
        default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else "empty"
        lines.append(f"| `{setting.name}` | {default} | {setting.unit} | {setting.reason} |")
    return "\n".join(lines) + "\n"


def metrics_page() -> str:
    lines = [
        "# Metrics of the service",
        "",
        "Made from `service/metrics.py`; `make docs` writes it anew. The swarm's stand below; partners (`partner_*`)",
        "and harness (`rehearsal_*`) expose their own. One metrics port per process; classic histograms.",
        "",
        "| name | type | labels | what |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, text in declared_metrics():
        lines.append(f"| `{name}` | {kind} | {', '.join(labels)} | {text} |")
    lines += [
        "",
        "## Of the swarm",
        "",
        "Made from `loadtests/swarm_metrics.py`. `--swarm-metrics-port P`: worker i shows its own at P + 1 + i, the",
        "master the sum of all at P, and beside its web UI at `/metrics`; a process without workers has P alone.",
        "Scrape the workers or the master, not both. Histograms have the calibration edges, at most 23 % apart;",
        "`latency.json` in the record holds quantiles within 1 %, to one answer in ten thousand.",
        "",
        "| name | type | labels | what |",
        "|---|---|---|---|",
    ]
    for name, family in FAMILIES.items():
        lines.append(f"| `{name}` | {family.kind} | {', '.join(swarm_labels(name))} | {family.text} |")
    return "\n".join(lines) + "\n"


def swarm_labels(name: str) -> list[str]:
    """The labels of a metric of the swarm."""
    metrics = SwarmMetrics(["tickets"], 0, lambda: 0)
    inside = [labels for labels in metrics.values().get(name, {}) if labels]
    inside += [series.partition("{")[2] for series in metrics.times() if series.startswith(name + "{")]
    return sorted({label for labels in inside for label in re.findall(r'(\w+)="', labels)})


def declared_metrics() -> list[tuple[str, str, list[str], str]]:
    """(name as exposed, type, labels, help) of each instrument of the service."""
    found = []
    for metric in Metrics().registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = sorted({label for sample in metric.samples for label in sample.labels} - {"le"})
        found.append((name, metric.type, labels, metric.documentation))
    return sorted(found)


def problems_page() -> str:
    lines = [
        "# Problem types",
        "",
        "Made from the domain's errors; `make docs` writes it anew. Every error answer is `application/problem+json`",
        "(RFC 9457); its `type` is `https://launchnight.example/problems/` and the code. Temporary means: trying the",
        "same again later can help.",
        "",
        "| code | status | temporary | title |",
        "|---|---|---|---|",
    ]
    for error in sorted(problem_types(), key=lambda each: each.code):
        temporary = "yes" if error.temporary else "no"
        lines.append(f"| `{error.code}` | {status_of(error)} | {temporary} | {error.title} |")
    return "\n".join(lines) + "\n"


def api_page() -> str:
    lines = [
        "# The API",
        "",
        "Made from the table of operations that also routes; `make docs` writes it anew. The types of bodies and",
        "answers are in `/openapi.json` of a running service, what each refusal means in [problems.md](problems.md).",
        "README.md walks the whole way by curl.",
        "",
        "- **key**: needs the header `Idempotency-Key`, a new random value for a new request; the same key sent again",
        "  gets the first answer.",
        "- **session**: needs `Authorization: Bearer TOKEN`.",
        "- 429 (your quota) and 503 (our capacity) carry `Retry-After` in seconds.",
        "",
        "| request | what | needs | headers of its own | refusals of its own |",
        "|---|---|---|---|---|",
    ]
    for each in operations():
        needs = ", ".join(word for word, needed in (("key", each.once), ("session", each.session)) if needed)
        headers = "; ".join(f"`{name}`: {text}" for name, text in each.headers.items())
        refusals = ", ".join(f"`{error.code}`" for error in each.errors)
        lines.append(f"| `{each.method} {each.path}` | {each.summary} | {needs} | {headers} | {refusals} |")
    lines += [
        "",
        "Photos go by [tus 1.0.0](https://tus.io/protocols/resumable-upload) to `/files/` with a session, and by those",
        "of its extensions that [uploads.md](uploads.md) lists: `POST` with `Upload-Length` and `Upload-Metadata: slot",
        "BASE64,filetype BASE64` (slots `identity_card` and `selfie`), `PATCH` from the offset that `HEAD` tells.",
        "Whatever was acknowledged is on disk.",
    ]
    return "\n".join(lines) + "\n"


def operations() -> list[Operation]:
    """The table of operations; handlers are not called, so nothing stands behind the ports."""
    nothing: Any = None
    ports = Ports(
        begin=nothing,
        begin_apart=nothing,
        finish=nothing,
        claims=nothing,
        joins=nothing,
        beginnings=nothing,
        finishes=nothing,
        clock=nothing,
        vault=nothing,
        photos=nothing,
        inspector=nothing,
        civil_registry=nothing,
        email=nothing,
        sms=nothing,
        announcer=nothing,
        payouts=nothing,
    )
    return api.operations(ports, nothing, "0")


def problem_types() -> list[type[errors.LaunchnightError]]:
    """Every domain error with a code, wherever in the service it stands."""
    found: list[type[errors.LaunchnightError]] = []
    waiting = [errors.LaunchnightError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if "code" in vars(error) and error is not errors.LaunchnightError:
            found.append(error)
    return found


def pages() -> dict[Path, str]:
    return {
        ROOT / "docs" / "api.md": api_page(),
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / "docs" / "metrics.md": metrics_page(),
        ROOT / "docs" / "problems.md": problems_page(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
