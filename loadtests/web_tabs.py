"""The swarm's own tabs in Locust's web UI, and /metrics beside them: arrivals against plan, lateness, fates, latency.

Locust shows a table for each tab; its page asks for the rows with the statistics, every two seconds. What is added is
made of the master's figures (loadtests.measured); where no run was begun the tables are empty.
"""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

from loadtests.health import Audit
from loadtests.histograms import QUANTILES
from loadtests.measured import Measured, Moment
from scenarios.fates import Fate

STATISTICS = "locust.request_stats"
"""Locust's name of the view that its page asks for rows."""
TEXT = {"Content-Type": "text/plain; version=0.0.4"}

Row = dict[str, Any]
Columns = tuple[tuple[str, str], ...]
"""(key in a row, heading); `name` alone is no column: Locust's page puts rows in its order."""

ARRIVALS: Columns = (
    ("at", "Since the opening"), ("due", "Due"), ("started", "Started"), ("waiting", "Due, not started"),
    ("live", "On their way"), ("late_p99", "99 % late by at most, ms"), ("late_max", "Latest, ms"),
)  # fmt: skip
LATENESS: Columns = (
    ("worker", "Worker"), ("started", "Started"), ("p50", "Half, ms"), ("p99", "99 %, ms"), ("p99_9", "99.9 %, ms"),
    ("max", "Latest, ms"), ("cpu", "Core used, %"), ("wait", "Waited for a core, %"), ("loop", "Loop, 99.9 %, ms"),
    ("gc", "Longest search for garbage, ms"), ("files", "Files open"),
)  # fmt: skip
HEALTH: Columns = (("what", "Of what"), ("weight", "Weight"), ("cause", "What was found"), ("advice", "What to do"))
FATES: Columns = (("fate", "Fate"), ("people", "People"), ("share", "Of the planned, %"), ("meaning", "Meaning"))
LATENCY: Columns = (
    ("route", "Route"), ("kind", "Time"), ("count", "Answers"),
    *((name, f"{100.0 * share:g} %, ms") for name, share in QUANTILES.items()), ("max", "Longest, ms"),
)  # fmt: skip


class WebTabs:
    """What the web UI shows of the run that this process leads."""

    def __init__(self, measured: Callable[[], Measured], audits: Callable[[], list[Audit]]) -> None:
        """measured: of the present run, or the last; audits: what they find now."""
        self._measured = measured
        self._audits = audits

    def add_to(self, web_ui: Any) -> None:
        """web_ui: Locust's WebUI, before its server starts."""
        app, guarded = web_ui.app, web_ui.auth_required_if_enabled
        tables = self._tables()
        web_ui.template_args |= {
            "extended_tabs": [{"title": title, "key": _key(title)} for title in tables],
            "extended_tables": [
                {"key": _key(title), "structure": [{"key": key, "title": heading} for key, heading in columns]}
                for title, (columns, _) in tables.items()
            ],
            "extended_csv_files": [
                {"href": f"./{_key(title)}.csv", "title": f"Download {title.lower()} CSV"} for title in tables
            ],
        }
        statistics = app.view_functions[STATISTICS]

        def with_ours() -> Any:
            answer = statistics()
            if not answer.is_json:  # not logged in
                return answer
            extended = [{"key": _key(title), "data": list(rows())} for title, (_, rows) in tables.items()]
            return app.json.response({**answer.get_json(), "extended_stats": extended})

        app.view_functions[STATISTICS] = with_ours
        prefix = app.blueprints["locust"].url_prefix or ""
        app.add_url_rule(f"{prefix}/metrics", "metrics", guarded(lambda: (self._measured().exposition(), TEXT)))
        for title, (columns, rows) in tables.items():
            page = guarded(_as_csv(columns, rows))
            app.add_url_rule(f"{prefix}/{_key(title)}.csv", _key(title), page)

    def _tables(self) -> dict[str, tuple[Columns, Callable[[], Iterable[Row]]]]:
        return {
            "Arrivals": (ARRIVALS, lambda: arrivals(self._measured())),
            "Lateness": (LATENESS, lambda: lateness(self._measured())),
            "Fates": (FATES, lambda: fates(self._measured())),
            "Latency": (LATENCY, lambda: latency(self._measured())),
            "Health": (HEALTH, lambda: health(self._audits())),
        }


def arrivals(measured: Measured) -> Iterable[Row]:
    """Now and every ten seconds before: who was due, who had started, how late; the newest first."""
    for i, moment in enumerate(reversed(measured.moments())):
        yield {"name": f"{i:04}", **_moment(moment)}


def lateness(measured: Measured) -> Iterable[Row]:
    """Each worker: how late it started people, and what may have held it up; cores in its busiest three seconds."""
    signs = measured.signs()
    for worker, late in measured.lateness().items():
        own = signs[worker]
        told = late.summary()
        yield {
            "name": worker,
            "worker": worker,
            "started": told["count"],
            **{name: _ms(told.get(name, 0.0)) for name in ("p50", "p99", "p99_9", "max")},
            "cpu": _percent(own.get("busy_share", 0.0) - own.get("wait_share", 0.0)),
            "wait": _percent(own.get("wait_share", 0.0)),
            "loop": _ms(own["loop_p99_9_s"]),
            "gc": _ms(own["gc_max_s"]),
            "files": own.get("files", 0),
        }


def fates(measured: Measured) -> Iterable[Row]:
    """How many ended in which way, are on their way, and were not due yet."""
    values = measured.values()
    planned, due, live = (_one(values, f"swarm_{name}_applicants") for name in ("planned", "due", "live"))
    ended = values.get("swarm_fates_total", {})
    rows = [(fate.name.lower(), ended.get(f'fate="{fate.name.lower()}"', 0), fate.phrase) for fate in Fate]
    rows += [("on their way", live, "started, and not ended yet"), ("to come", planned - due, "not due yet")]
    for i, (name, people, meaning) in enumerate(rows):
        share = _percent(people / planned if planned else 0.0)
        yield {"name": str(i), "fate": name, "people": int(people), "share": share, "meaning": meaning}


def latency(measured: Measured) -> Iterable[Row]:
    """Each route and kind of time, within 1 % to the slowest of ten thousand."""
    for route, kinds in measured.latency().items():
        for i, (kind, told) in enumerate(kinds.items()):
            figures = {name: _ms(told[name]) for name in (*QUANTILES, "max")}
            yield {"name": f"{route} {i}", "route": route, "kind": kind, "count": told["count"], **figures}


def health(audits: list[Audit]) -> Iterable[Row]:
    """What is at or near its end; one row saying so when nothing is."""
    if not audits:
        yield {"name": "0", "what": "all", "weight": "well", "cause": "nothing is at its end", "advice": ""}
    for i, one in enumerate(audits):
        weight = "makes the run invalid" if one.invalid else "to know"
        yield {"name": str(i), "what": one.id, "weight": weight, "cause": one.cause, "advice": one.advice}


def _moment(moment: Moment) -> Row:
    minutes, seconds = divmod(max(0, int(moment.at)), 60)
    return {
        "at": f"{minutes // 60}:{minutes % 60:02}:{seconds:02}",
        "due": moment.due,
        "started": moment.started,
        "waiting": moment.due - moment.started,
        "live": moment.live,
        "late_p99": _ms(moment.late_p99),
        "late_max": _ms(moment.late_max),
    }


def _as_csv(columns: Columns, rows: Callable[[], Iterable[Row]]) -> Callable[[], tuple[str, dict[str, str]]]:
    def page() -> tuple[str, dict[str, str]]:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(heading for _, heading in columns)
        writer.writerows([row[key] for key, _ in columns] for row in rows())
        return text.getvalue(), {"Content-Type": "text/csv; charset=utf-8"}

    return page


def _key(title: str) -> str:
    return f"crowd-{title.lower()}"


def _one(values: Any, name: str) -> int:
    return int(values.get(name, {}).get("", 0))


def _ms(seconds: float) -> float:
    return round(1000.0 * seconds, 2)


def _percent(share: float) -> float:
    return round(100.0 * share, 1)
