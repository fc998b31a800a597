"""The swarm's requests that are out, counted by a clock that is not the crowd's."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.flights import Flights

TRIPS = st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 20.0), st.booleans()), max_size=40)


class TwoClocks:
    """Both stand still until they are set; the crowd's is `fast` times as fast."""

    def __init__(self, fast: float = 1.0) -> None:
        self.fast = fast
        self.at = 0.0
        self.flights = Flights(self.own, lambda: 1_700_000_000.0 + self.at)

    def own(self) -> float:
        return 100.0 + self.fast * self.at

    def told(self, name: str) -> float:
        return self.flights.values()[f"swarm_{name}"][""]

    def play(self, trips: list[tuple[float, float, bool]], until: float) -> float:
        """Requests (leaves at, takes, is answered), as far as `until`; the seconds of those answered, by its clock."""
        instants = [(leaves, 1, leaves, answered) for leaves, _, answered in trips]
        instants += [(leaves + takes, 0, leaves, answered) for leaves, takes, answered in trips]
        answered_s = 0.0
        sent: dict[float, list[float]] = {}
        for self.at, leaving, leaves, answered in sorted(instants, key=lambda one: (one[0], -one[1])):
            if self.at > until:
                break
            if leaving:
                sent.setdefault(leaves, []).append(self.own())
                self.flights.take_off(self.own())
            else:
                began = sent[leaves].pop()
                self.flights.land(began, self.own(), answered)
                answered_s += (self.own() - began) * answered
        self.at = until
        return answered_s


@given(TRIPS, st.floats(0.0, 80.0))
def test_what_was_counted_is_what_was_timed_at_any_moment(trips, until):
    """Answers, requests without one, and the ages of those still out; whichever overlap."""
    clocks = TwoClocks()
    answered_s = clocks.play(trips, until)
    timed = answered_s + clocks.told("unanswered_seconds_total") + clocks.told("requests_out_age_seconds")
    assert abs(clocks.told("requests_out_seconds_total") - timed) < 1e-4
    assert clocks.told("requests_out") == sum(leaves <= until < leaves + takes for leaves, takes, _ in trips)


def test_a_fast_clock_of_the_crowd_parts_the_two():
    """The control: 5 % too fast, and every request took 5 % longer than it was out."""
    clocks = TwoClocks(fast=1.05)
    answered_s = clocks.play([(1.0, 2.0, True), (2.0, 4.0, True), (7.0, 1.0, True)], 10.0)
    assert round(answered_s / clocks.told("requests_out_seconds_total"), 6) == 1.05


def test_it_watches_from_the_first_request_on():
    clocks = TwoClocks()
    clocks.at = 30.0
    assert clocks.told("watched_seconds_total") == 0.0
    clocks.flights.take_off(clocks.own())
    clocks.at = 42.0
    assert clocks.told("watched_seconds_total") == 12.0
