"""What the work of a run was for: requests for each first attempt, processor time by route and outcome, bytes of photos
that were of no use, work for people who had left, and how much was done well over time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import drawing, statistics
from reports.drawing import Picture, Table
from reports.facts import Facts
from reports.statistics import FloatArray
from reports.terms import Term, added, gained, of_people
from reports.wording import N_, Said, clock, number, percent, say, seconds
from scenarios.counters import grown, growth
from scenarios.record import Fate

REQUESTS = "swarm_requests_total"
FIRSTS = "swarm_first_requests_total"
MEASURED = "registration_http_measured_total"
CPU = "registration_http_cpu_seconds_total"
CODES = "swarm_codes_delivered_total"
DROPPED = "registration_queue_jobs_total"
UNANSWERED = ("error", "timeout", "transport")
MOST_ROUTES = 12
"""Rows of a table by route: what is dearest comes first, and the rest hardly counts."""
SHORTEST_SPAN_S = 10.0
"""A rate over less than this is made of too few scrapes."""
SPANS = 30
"""Rates over time are those of a thirtieth of the run, so that single arrivals do not show as spikes."""


@dataclass(frozen=True)
class Step:
    """A step of the way and the swarm's routes that serve it."""

    label: str
    routes: tuple[str, ...]


STEPS = (
    Step(N_("waiting room"), ("tickets", "place", "claims", "pages-line")),
    Step(N_("account"), ("accounts", "pages-account")),
    Step(N_("one-time codes"),
         ("codes", "sessions", "phone-verification", "pages-sign-in", "pages-code", "pages-phone")),
    Step(N_("identity"), ("identity", "pages-identity")),
    Step(N_("profile"), ("profile", "pages-profile")),
    Step(N_("photos"), ("files-create", "files-patch", "files-head", "files-put", "files-form", "pages-photo")),
    Step(N_("test"), ("assessment", "answers", "submission", "pages-test")),
    Step(N_("status and joining"), ("me", "join", "pages-status", "pages-join")),
    Step(N_("around the pages"), ("pages-start", "pages-asset")),
)  # fmt: skip


# ---------------------------------------------------------------- first attempts and repeats


def amplification(facts: Facts) -> Term | None:
    """Requests for each first attempt, over the whole run; None of a record that does not tell them apart."""
    first = gained(facts, FIRSTS)
    return gained(facts, REQUESTS) / first if first.value else None


def attempts(facts: Facts) -> Table | None:
    """The same by step of the way, with what was turned away and what failed."""
    if amplification(facts) is None:
        return None
    rows = [_attempts_row(say(step.label), _of_routes(facts, step.routes)) for step in STEPS]
    rows.append(_attempts_row(say("all steps"), {name: gained(facts, name) for name in (REQUESTS, FIRSTS)} | {
        outcome: gained(facts, REQUESTS, outcome=outcome) for outcome in ("busy", *UNANSWERED)
    }))  # fmt: skip
    head = [
        say("step"), say("requests"), say("first attempts"), say("for each first"), say("turned away"), say("failed"),
    ]  # fmt: skip
    return Table(head, [row for row in rows if row])


def _of_routes(facts: Facts, routes: tuple[str, ...]) -> dict[str, Term]:
    """Requests, first attempts and failures of these routes; nothing where none of them was asked."""
    asked = [route for route in routes if statistics.total(facts.run.samples, REQUESTS, route=route)]
    if not asked:
        return {}
    found = {name: added([gained(facts, name, route=route) for route in asked]) for name in (REQUESTS, FIRSTS)}
    return found | {
        outcome: added([gained(facts, REQUESTS, route=route, outcome=outcome) for route in asked])
        for outcome in ("busy", *UNANSWERED)
    }


def _attempts_row(label: Said, of: dict[str, Term]) -> list[str]:
    if not of:
        return []
    failed = added([of[outcome] for outcome in UNANSWERED])
    each = of[REQUESTS] / of[FIRSTS]
    return [label, of[REQUESTS].count, of[FIRSTS].count, each.number, of["busy"].count, failed.count]


# ---------------------------------------------------------------- processor time


def is_measured(facts: Facts) -> bool:
    """Whether the service said what its requests took."""
    return gained(facts, CPU).value > 0


def processor_time(facts: Facts) -> Table | None:
    """What a request of each route took, by how it ended; the dearest routes first. None where it was not measured."""
    if not is_measured(facts):
        return None
    used = statistics.totals_by(facts.run.samples, CPU, "route")
    dearest = sorted((route for route in used if used[route]), key=lambda route: -used[route])[:MOST_ROUTES]
    rows = [_time_row(facts, route, {"route": route}) for route in dearest]
    rows.append(_time_row(facts, say("all routes"), {}))
    counted = say("requests") if facts.is_simulated else say("measured")
    head = [
        say("route"), counted, say("answered well"), say("refused, busy or error"), say("nobody waited"),
        say("share of all"),
    ]  # fmt: skip
    return Table(head, rows)


def _time_row(facts: Facts, label: str, of: dict[str, str]) -> list[str]:
    return [
        label,
        gained(facts, MEASURED, **of).count,
        *(_each(facts, of, outcomes).seconds for outcomes in (("ok",), ("refused", "busy", "error"), ("left",))),
        (gained(facts, CPU, **of) / gained(facts, CPU)).percent,
    ]


def _each(facts: Facts, of: dict[str, str], outcomes: tuple[str, ...]) -> Term:
    """Seconds of processor time that a request with these labels took that ended so; nan where none did."""
    used, requests = (
        added([gained(facts, name, **of, outcome=outcome) for outcome in outcomes]) for name in (CPU, MEASURED)
    )
    return used / requests


def time_sentences(facts: Facts) -> list[Said]:
    """How much of the web role's processor time that is, and how much of it went into repeats and into the void."""
    if not is_measured(facts):
        return []
    everything = gained(facts, CPU)
    left = gained(facts, CPU, outcome="left") / everything
    not_well = (everything - gained(facts, CPU, outcome="ok")) / everything
    if facts.is_simulated:
        return [
            say(
                "Of the web processes' work on requests, {share} ended in something else than a good answer, and "
                "{left} was for clients who no longer waited for it.",
                share=not_well.percent,
                left=left.percent,
            )
        ]
    found = [
        say(
            "Of the event loop's work on requests, {share} ended in something else than a good answer, and {left} was "
            "for clients who no longer waited for it (a photo whose line broke is among them; its bytes are kept).",
            share=not_well.percent,
            left=left.percent,
        )
    ]
    if (of_process := share_of_process(facts)) is not None:
        found.insert(
            0,
            say(
                "On all requests together the event loop worked for about {share} of the web role's processor time.",
                share=percent(of_process, source="#processor-time"),
            ),
        )
    if (repeats := repeated_share(facts)) is not None:
        found.append(
            say(
                "About {share} of it went into repeats: requests beyond the first attempts, at what a request of their "
                "route took.",
                share=percent(repeats, source="#processor-time"),
            )
        )
    return found


def share_of_process(facts: Facts) -> float | None:
    """What all requests took, reckoned from those measured, of what the web processes used since they were first seen;
    None where that is not known."""
    requests, measured = gained(facts, "registration_http_requests_total").value, gained(facts, MEASURED).value
    used = [
        growth(values)[1:].sum()
        for _, _, values in facts.run.samples.select("registration_process_cpu_seconds_total", job="web")
    ]
    whole = float(sum(used))
    return gained(facts, CPU).value * requests / measured / whole if whole and measured else None


def repeated_share(facts: Facts) -> float | None:
    """Share of the requests' processor time that repeats took, at the mean of their route; None if not known."""
    routes = statistics.totals_by(facts.run.samples, FIRSTS, "route")
    every, again = 0.0, 0.0
    for route, first in routes.items():
        asked, n = gained(facts, REQUESTS, route=route).value, gained(facts, MEASURED, route=route).value
        if asked and n:
            each = gained(facts, CPU, route=route).value / n
            every += asked * each
            again += (asked - first) * each
    return again / every if every else None


# ---------------------------------------------------------------- bytes


def photo_bytes(facts: Facts) -> Table | None:
    """What became of the bytes that phones sent for photos; None where no photo was sent or they were not counted."""
    sent, stored = (gained(facts, "swarm_photo_bytes_total", bytes=which) for which in ("sent", "stored"))
    if not sent.value:
        return None
    taken = gained(facts, "registration_upload_bytes_total")
    rows = [
        [say("sent by phones"), sent.count, (sent / sent).percent],
        [say("of photos that arrived whole"), stored.count, (stored / sent).percent],
        [say("sent for nothing"), (sent - stored).count, ((sent - stored) / sent).percent],
    ]
    if sent.value >= taken.value >= stored.value > 0:  # a killed process forgets what it took
        lost, unused = sent - taken, taken - stored
        rows.append([say("among these: lost with a broken line, and sent again"), lost.count, (lost / sent).percent])
        rows.append([say("among these: taken and never part of a photo"), unused.count, (unused / sent).percent])
    return Table([say("bytes of photos"), say("bytes"), say("of what was sent")], rows)


# ---------------------------------------------------------------- for nobody


def for_nobody(facts: Facts) -> Table:
    """What was done for people who had left or did not join, and what was spared because they had left."""
    rows = []
    people = facts.people
    joined = people["fate"] == Fate.JOINED
    for column, label in (
        ("requests", N_("requests of people who did not join")),
        ("bytes_sent", N_("bytes sent by people who did not join")),
        ("photos_stored", N_("photos stored for people who did not join")),
        ("codes_asked", N_("codes asked for by people who did not join")),
    ):
        whole = of_people("sum", people[column].sum(dtype=np.float64), column)
        part = whole - of_people("sum", people[column][joined].sum(dtype=np.float64), column, fate=Fate.JOINED)
        rows.append(_part(say(label), part, whole))
    gone_before = say("answers made after the client had gone, among those measured")
    if facts.is_simulated:
        gone_before = say("answers made after the client had gone")
    rows.append(
        _part(
            gone_before,
            gained(facts, MEASURED, outcome="left"),
            gained(facts, MEASURED),
        )
    )
    rows.append(
        _part(say("codes delivered to nobody who waited"), gained(facts, CODES, reader="unread"), gained(facts, CODES))
    )
    rows.append(
        _part(
            say("spared: jobs dropped because the asker had left"),
            gained(facts, DROPPED, outcome="dropped"),
            gained(facts, DROPPED),
        )
    )
    if not facts.is_simulated:
        gone = gained(facts, "registration_door_gone_total")
        rows.append(_part(say("spared: requests never begun, client gone at the door"), gone, gained(facts, REQUESTS)))
    return Table([say("work"), say("how much"), say("of all")], [row for row in rows if row])


def _part(label: Said, part: Term, whole: Term) -> list[str]:
    return [label, part.count, (part / whole).percent] if whole.value else []


# ---------------------------------------------------------------- goodput


def goodput(facts: Facts) -> Picture | None:
    """Requests and people a second: what was asked, what was begun, what was done well."""
    samples = facts.run.samples
    if not samples.select(REQUESTS):
        return None
    grid = drawing.time_grid(facts.end_s)[::2]  # a rate over so long a span has no more to show
    span = max(SHORTEST_SPAN_S, facts.end_s / SPANS)

    def rate(name: str, **labels: str) -> FloatArray:
        return (grown(samples, name, grid, **labels) - grown(samples, name, grid - span, **labels)) / span

    def people(column: str) -> FloatArray:
        moments = facts.people[column]
        return (statistics.arrived_by(moments, grid) - statistics.arrived_by(moments, grid - span)) / span

    requests: dict[str, FloatArray] = {say("asked"): rate(REQUESTS), say("first attempts"): rate(FIRSTS),
                say("answered well"): rate(REQUESTS, outcome="ok")}  # fmt: skip
    if amplification(facts) is None:
        del requests[say("first attempts")]
    of_people_: dict[str, FloatArray] = {say("came"): people("started"), say("joined"): people("wave_joined_at")}
    figure, (above, below) = drawing.canvas(400, panels=2)
    drawing.over_time(above, grid, drawing.lines(requests))
    drawing.over_time(below, grid, drawing.lines(of_people_))
    above.set_ylabel(say("requests a second"))
    below.set(xlabel=drawing.time_label(grid), ylabel=say("people a second"))
    for axes in (above, below):
        drawing.mark_spans(axes, grid, facts.fault_windows)
    joined = of_people_[say("joined")]
    columns = {**requests, **of_people_}
    rows = [[clock(grid[i]), *(number(float(c[i])) for c in columns.values())] for i in range(0, len(grid), 4)]
    return Picture(
        "goodput",
        say("Goodput"),
        say(
            "Above: requests a second, those among them that began a step of somebody's way, and those that were "
            "answered well; what lies between the first two is repeats. Below: people who came and people who joined "
            "a second. Rates over the {span} before.",
            span=seconds(span),
        ),
        say(
            "Lines over time; at most {most} people a second joined, the last of them after {end}.",
            most=number(float(joined.max())),
            end=clock(float(_last(facts))),
        ),
        drawing.to_svg(figure, "goodput"),
        Table([say("time"), *columns], rows),
    )


def _last(facts: Facts) -> float:
    moments = facts.people["wave_joined_at"]
    return float(np.nanmax(moments)) if np.isfinite(moments).any() else 0.0


def view(facts: Facts) -> dict[str, Any]:
    """What the section is filled with."""
    amplified = amplification(facts)
    with drawing.styled():
        picture = goodput(facts)
    return {
        "simulated": facts.is_simulated,
        "amplified": amplified.number if amplified is not None else None,
        "attempts": attempts(facts),
        "processor_time": processor_time(facts),
        "time_sentences": time_sentences(facts),
        "photo_bytes": photo_bytes(facts),
        "for_nobody": for_nobody(facts),
        "pictures": [picture] if picture is not None else [],
    }
