"""Phones of people who are signed in and have two photos to send, over lines as bad as theirs, in a hurry.

It is the swarm's own applicant: the machine of scenarios.journey, its upload clients, its lines and connections, from
the first photo to the last. Everything of phones and people may run `speed` times as fast (line, cuts, pauses, what a
Retry-After means, the time people think); the service is what it is, so to these people it is `speed` times slower.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import gevent

from loadtests.applicant import PATIENCE, Applicant, Request
from loadtests.connections import Answer, Connections
from loadtests.lines import AT_ONCE, Line
from scenarios import journey, setbacks
from scenarios.behaviour import habits, traits
from scenarios.catalogue import Night
from scenarios.fates import Furthest
from scenarios.journey_state import PHOTOS, Action, Decision, Nerves, Progress, State
from scenarios.networks import cut_after_s, cut_kind
from scenarios.population import person
from scenarios.uploaders import Uploader


@dataclass(frozen=True)
class Party:
    """Who sends photos, and how. Seconds are those of the people, not of the service."""

    name: str
    night: Night
    uploader: Uploader
    speed: float
    seed: int
    within: float
    """Seconds that somebody has for both photos."""
    network: str = ""
    """Of everybody; empty: each has her own."""
    has_lines: bool = True
    """False: bytes go as fast as the service takes them, and nobody thinks."""


@dataclass
class Fared:
    """How it went for one of them."""

    started: float = math.nan
    finished: float = math.nan
    """When the second photo was there; nan: never."""
    out_of_patience: bool = False
    """Failed as often in a row as her kind of people tries (FACTS 5.2) and would have gone home; she goes on all the
    same."""
    presses: int = 0
    """Times that she, not her client, tried again."""
    photos: int = 0
    sent: int = 0
    stored: int = 0
    cuts: int = 0
    resumes: int = 0

    @property
    def took(self) -> float:
        return self.finished - self.started


@dataclass
class Seen:
    party: Party
    people: list[Fared]
    answers: Counter[str] = field(default_factory=Counter)
    """By method and status; status 0: none came."""
    lateness: list[float] = field(default_factory=list)
    """Real seconds by which what was due was started late: the crowd's own doing."""
    lasted: float = 0.0

    def share(self, *, patient: bool = False) -> float:
        """Of those who have both photos in time; patient: and would not have left before."""
        good = sum(one.took <= self.party.within and not (patient and one.out_of_patience) for one in self.people)
        return good / len(self.people)

    @property
    def sent_for_each(self) -> float:
        """Bytes that left the phones for each byte of a photo that arrived whole."""
        return sum(one.sent for one in self.people) / max(1, sum(one.stored for one in self.people))

    @property
    def refused(self) -> float:
        """Share of the answers that were "come back later"."""
        refused = sum(count for what, count in self.answers.items() if what.endswith(" 503"))
        return refused / max(1, sum(self.answers.values()))

    def answered(self, method: str) -> float:
        """Share of the requests with this method that were answered with success."""
        of_method = {what: count for what, count in self.answers.items() if what.startswith(f"{method} ")}
        good = sum(count for what, count in of_method.items() if what.split()[1].startswith("2"))
        return good / max(1, sum(of_method.values()))


class Phones:
    """One party against one service. tokens: of the session of each."""

    def __init__(self, url: str, party: Party, photos: tuple[bytes, ...], tokens: Sequence[str]) -> None:
        self._connections = Connections(url)
        self._party = party
        self._photos = photos
        self._tokens = tokens
        self._habits = habits(party.night, 1.0)._replace(leave_share=0.0)  # nobody loses interest here
        self._networks = list(party.night.networks.values())
        self._seen = Seen(party, [Fared() for _ in tokens])
        self._began = 0.0

    def play(self, due: Sequence[float]) -> Seen:
        """Each starts when due, in ascending order; returns when all have ended or their time is over."""
        party = self._party
        self._began = monotonic()
        ways = []
        for number, moment in enumerate(due):
            self._sleep_until(moment)
            ways.append(gevent.spawn(self._way, number))
        gevent.joinall(ways, timeout=(due[-1] + party.within - self._now()) / party.speed)
        self._seen.lasted = self._now()
        return self._end(ways)

    def play_closed(self, at_once: int, until: float) -> Seen:
        """So many at once, each followed by the next, until somebody would start after `until`."""
        self._began = monotonic()
        waiting = iter(range(len(self._tokens)))

        def one_after_the_other() -> None:
            for number in waiting:
                if self._now() >= until:
                    return
                self._way(number)

        ways = [gevent.spawn(one_after_the_other) for _ in range(at_once)]
        gevent.joinall(ways)
        self._seen.lasted = self._now()
        return self._end(ways)

    def _end(self, ways: Sequence[gevent.Greenlet]) -> Seen:
        for way in ways:
            if way.exception is not None:
                raise way.exception
        gevent.killall(ways)
        self._connections.close()
        return self._seen

    def _now(self) -> float:
        return (monotonic() - self._began) * self._party.speed

    def _sleep_until(self, moment: float) -> None:
        ahead = moment - self._now()
        if ahead > 0.0:
            gevent.sleep(ahead / self._party.speed)
        self._seen.lateness.append((self._now() - moment) / self._party.speed)

    def _way(self, number: int) -> None:
        """From the first photo to the second, however long it takes."""
        party, fared = self._party, self._seen.people[number]
        fared.started = self._now()
        who = person(party.night, party.seed, number)
        if party.network:
            who = replace(who, network=list(party.night.networks).index(party.network))
        own = traits(party.night, who, party.uploader)
        start = journey.start(own)
        progress = Progress(Furthest.PROFILE_COMPLETED + 0, 0, 0, 0)
        one = Applicant(who, number, start._replace(action=Action.PHOTO_CREATE + 0, progress=progress), party.name)
        one.session = self._tokens[number]
        while one.state.progress.photo < PHOTOS:
            self._step(one, fared)
        fared.finished = self._now()

    def _step(self, one: Applicant, fared: Fared) -> None:
        party, before = self._party, one.state
        request = one.request(self._photos)
        answer = self._send(one, request)
        self._seen.answers[f"{request.method} {answer.status}"] += 1
        fared.sent += answer.sent
        fared.cuts += answer.cut > 0
        fared.resumes += bool(request.body) and one.offset > 0
        reading = one.read(answer)
        decision = journey.step(
            before, self._habits, party.seed, one.number, reading.result, reading.retry_after, self._now()
        )
        if decision.action == Action.LEAVE or decision.state.nerves.visits > before.nerves.visits:
            fared.out_of_patience = True
            decision = self._pressed_again(one, before, reading.result)
        one.state = decision.state
        self._note(one, fared, before)
        if decision.delay_s > 0.0 and party.has_lines:
            self._sleep_until(self._now() + decision.delay_s)

    def _pressed_again(self, one: Applicant, before: State, result: int) -> Decision:
        """Of somebody whose visit is over: when would the photo have arrived?"""
        nerves = Nerves(0, 0, before.nerves.retries + 1, before.nerves.visits, 0, 0)
        onward = Action.PHOTO_HEAD if before.action == Action.PHOTO_SEND else before.action
        rested, seed = before._replace(nerves=nerves), self._party.seed
        return setbacks.try_again(rested, self._habits, seed, one.number, onward, result, self._now())

    def _note(self, one: Applicant, fared: Fared, before: State) -> None:
        after = one.state
        if after.nerves.tries not in (0, before.nerves.tries):
            fared.presses += 1
        if after.progress.photo > before.progress.photo:
            fared.photos += 1
            fared.stored += len(one.photo)
            one.photo = b""

    def _send(self, one: Applicant, request: Request) -> Answer:
        line = self._line(one, request) if self._party.has_lines else AT_ONCE
        patience = PATIENCE + (2 * len(request.body) / line.bytes_per_s if line.bytes_per_s else 0.0)
        return self._connections.send(
            request.method, request.path, request.headers, request.body, timeout=patience, line=line
        )

    def _line(self, one: Applicant, request: Request) -> Line:
        network = self._networks[one.person.network]
        line = Line(network.up_mbps * 125_000, network.round_trip_s)
        if request.body:
            one.sends += 1
            draw = self._party.seed, one.number, one.sends
            line = line._replace(cut_s=cut_after_s(*draw, network.cuts_per_min), cut=cut_kind(*draw))
        return line.faster(self._party.speed)
