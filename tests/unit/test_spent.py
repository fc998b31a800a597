"""Processor time of requests: each its own, whoever else is on the loop; counted by route and by how it ended."""

import asyncio
from time import thread_time

import pytest

from loadtests.actions import ROUTES as ASKED
from loadtests.applicant import Applicant
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.journey_state import Action
from scenarios.population import person
from scenarios.uploaders import Uploader
from service.domain.errors import NotFound
from service.metrics import ANSWER_OUTCOMES, ROUTES, Metrics
from service.web.middleware import Boundary
from service.web.spent import EVERY, Measured, outcome_of, route_of

BURN = 0.05


def burn(seconds: float = BURN) -> None:
    until = thread_time() + seconds
    while thread_time() < until:
        pass


async def request(app, path="/me", method="GET", **told):
    """One request in a scope that may know more already."""

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(_):
        await asyncio.sleep(0)

    await app({"type": "http", "path": path, "method": method, "headers": [], **told}, receive, send)


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_request_pays_for_its_own_steps_only(run):
    """One works in the pauses of another; the time from beginning to end, the other way to count, holds both."""
    both = {}

    async def works(pause):
        burn()
        await pause
        burn()
        return

    async def waits(pause):
        began = thread_time()
        await asyncio.sleep(0)
        await pause
        both["from beginning to end"] = thread_time() - began

    async def scene():
        pause = asyncio.get_running_loop().create_future()
        waiting, working = Measured(waits(pause)), Measured(works(pause))
        tasks = [asyncio.create_task(awaited(each)) for each in (waiting, working)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pause.set_result(None)
        await asyncio.gather(*tasks)
        return waiting.spent, working.spent

    waiting, working = run(scene())
    assert working >= 2 * BURN
    assert waiting < BURN <= both["from beginning to end"]


async def awaited(measured):
    await measured


def test_what_is_measured_fails_and_is_cancelled_as_ever(run):
    """An exception comes out with what was spent; a cancellation reaches the work, which may clear up."""
    seen = []

    async def breaks():
        burn()
        raise NotFound

    async def lingers():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("cleared up")

    async def scene():
        broken = Measured(breaks())
        with pytest.raises(NotFound):
            await broken
        task = asyncio.create_task(awaited(Measured(lingers())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return broken.spent

    assert run(scene()) >= BURN
    assert seen == ["cleared up"]


def counted(instrument):
    return {
        (sample.labels["route"], sample.labels["outcome"]): sample.value
        for metric in instrument.collect()
        for sample in metric.samples
        if sample.value
    }


def test_the_boundary_counts_every_fifth_request_by_how_it_ended(run):
    async def fails(scope, receive, send):
        burn()
        raise NotFound if scope["path"] == "/me" else RuntimeError

    metrics = Metrics()
    boundary = Boundary(answer, metrics)
    for _ in range(2 * EVERY):
        run(request(boundary, "/accounts", "POST"))
    assert counted(metrics.http_measured) == {("accounts", "ok"): 2}

    boundary = Boundary(fails, metrics)
    for path, told in (("/me", {}), ("/codes", {}), ("/codes", {"left": True})):
        for _ in range(EVERY):
            run(request(boundary, path, **told))
    requests, seconds = (counted(each) for each in (metrics.http_measured, metrics.http_cpu))
    assert requests == {
        ("accounts", "ok"): 2, ("me", "refused"): 1, ("codes", "error"): 1, ("codes", "left"): 1,
    }  # fmt: skip
    assert min(seconds[pair] for pair in requests if pair[1] != "ok") >= BURN


def test_what_nobody_asked_to_the_end_is_for_nobody():
    assert [outcome_of(status, left=False) for status in (0, 204, 404, 429, 503, 500)] == [
        "left", "ok", "refused", "busy", "busy", "error",
    ]  # fmt: skip
    assert outcome_of(200, left=True) == "left"


@pytest.mark.parametrize("uploader", [Uploader.PATIENT, Uploader.ONE_SHOT])
def test_routes_bear_the_names_that_the_swarm_gives_them(uploader):
    """Every request that an applicant can make; so the cost of a route and its requests stand side by side."""
    night = catalogue.load("prakerja-wave-1")
    who = person(night, 1, 0)
    start = journey.start(traits(night, who, uploader))
    for action in ASKED:
        one = Applicant(who, 0, start._replace(action=action + 0), "test")
        one.upload, one.photo = "/files/7", b"x"
        asked = one.request((b"x",))
        assert route_of(asked.method, asked.path) == asked.route, Action(action).name
    assert {route for _, route in ASKED.values()} < set(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/board", "board"),
        ("GET", "/daftar/akun", "pages"),
        ("POST", "/daftar/en/foto/ktp", "files-form"),
        ("GET", "/daftar/foto/ktp", "pages"),
        ("DELETE", "/files/7", "others"),
        ("GET", "/assessment/nothing", "others"),
        ("GET", "/", "others"),
        ("GET", "/openapi.json", "others"),
    ],
)
def test_other_routes_have_names_too(method, path, route):
    assert route_of(method, path) == route
    assert route in ROUTES and set(ANSWER_OUTCOMES) >= {"ok", "left"}


def test_times_by_route_are_told_only_where_somebody_fits_them(run):
    """The many lines of a scrape are those of calibration rehearsals."""
    for detail, told in (("default", 0), ("calibration", 2)):
        metrics = Metrics(detail=detail)
        boundary = Boundary(answer, metrics)
        for _ in range(2 * EVERY):
            run(request(boundary, "/accounts", "POST"))
        counts = metrics.of(metrics.http_measured_seconds, "route", "_count")
        assert counts.get("accounts", 0) == told, detail
