"""Applicants without JavaScript, played in process: the swarm's own player and machine, without its clock."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from loadtests.applicant import Reading, Request, outcome
from loadtests.connections import Answer
from loadtests.pages.applicant import PageApplicant
from loadtests.pages.way import PHOTO_ROUTE
from scenarios import catalogue, journey
from scenarios.behaviour import habits, traits
from scenarios.fates import Channel
from scenarios.journey_state import Action, Result
from scenarios.population import person
from scenarios.uploaders import Uploader
from tests.integration.pages_room import Site
from tests.photos import jpeg

NIGHT = catalogue.load("prakerja-wave-1")
HABITS = habits(NIGHT, 1.0)._replace(
    leave_share=0.0, switch_share=0.0, page_lost_share=0.0, late_typing_share=0.0, new_photo_share=0.0
)
"""Nobody leaves, changes browsers or loses a page by chance."""
PHOTOS = (jpeg(), jpeg(seed=2))
SEED = 3
MOST_REQUESTS = 300


class Walker:
    """One applicant on her way through the pages of a running service. Nobody waits for anything but answers."""

    def __init__(self, site: Site, number: int, **changes: Any) -> None:
        """changes: of the person who was drawn."""
        self.site = site
        who = replace(person(NIGHT, SEED, number), without_javascript=True, is_under_age=False, **changes)
        self.one = PageApplicant(who, number, journey.start(traits(NIGHT, who, Uploader.ONE_SHOT)), "walk")
        self.requests: list[tuple[str, int]] = []
        """Route and status of each, in order."""
        self.results: list[tuple[Action, Result]] = []
        """What each action ended with."""
        self.receipts: dict[str, list[str]] = {}
        """By kind, as they were told."""
        self.photos: list[bytes] = []
        """As they left."""
        self.asked = 0
        """Codes that were asked for."""
        self.meddle: Callable[[Request, Answer], Answer] = lambda request, answer: answer
        self._messages: dict[str, int] = {}

    async def walk(self, *, to: Action = Action.LEAVE) -> None:
        """Go on until `to` is next."""
        while self.one.state.action != to:
            assert len(self.requests) < MOST_REQUESTS, self.requests[-20:]
            reading = await (self._message() if self.one.state.action == Action.WAIT_CODE else self.request())
            if not reading.more:
                self.decide(reading)

    def go(self, action: Action) -> None:
        """Have her do `action` next, in a tab of its own."""
        self.one.state = self.one.state._replace(action=action + 0)
        self.one.close_page()

    def decide(self, reading: Reading) -> None:
        state = self.one.state
        self.results.append((Action(state.action), reading.result))
        self.one.state = journey.step(
            state, HABITS, SEED, self.one.number, reading.result, reading.retry_after, 1.0
        ).state

    async def request(self) -> Reading:
        """Send the next request, and read the answer; some are changed or lost on the way (`meddle`)."""
        one = self.one
        request = one.request(PHOTOS)
        effect = one.effect()
        headers = dict(line.split(": ", 1) for line in request.headers.splitlines())
        got = await self.site.http.request(request.method, request.path, headers=headers, content=bytes(request.body))
        answer = self.meddle(request, Answer(got.status_code, got.headers, got.content))
        reading = one.read(answer)
        if request.route == PHOTO_ROUTE:
            self.photos.append(bytes(request.body).partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0])
        self.requests.append((request.route, answer.status))
        self.asked += one.asks_code() and outcome(answer) == "ok"
        if effect is not None and reading.receipt:
            self.receipts.setdefault(effect[0], []).append(reading.receipt)
        return reading

    def miss_message(self) -> str:
        """Leave the next message unread; returns where it goes."""
        by_email = self.one.state.code.channel == Channel.EMAIL and self.one.person.email is not None
        address = str(self.one.person.email) if by_email else self.one.person.phone
        self._messages[address] = self._messages.get(address, 0) + 1
        return address

    async def _message(self) -> Reading:
        """The code that was asked for last."""
        address = self.miss_message()
        self.one.code = await self.site.service.code_at(address, number=self._messages[address])
        return Reading(Result.DELIVERED)
