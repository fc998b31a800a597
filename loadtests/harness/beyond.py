"""Past the capacity: what is kept of the goodput at multiples of it, and how long a jump is felt."""

from collections.abc import Mapping, Sequence

from loadtests.harness.flow import Column, after_jump
from loadtests.harness.probing import JUMP_SHARE, WATCHED
from loadtests.harness.search import CALM, JUMP, Course, Step, invalid_twice, rounded
from scenarios.capacity_record import Beyond, Outcome, Phase, Point, Probe, Recovery


def next_beyond(course: Course, call: float, probes: Sequence[Probe]) -> Step | None:
    """The next step past a capacity of `call` people a second; None when all are made."""
    if not course.beyond:
        return None
    for phase, times in (*((Phase.BEYOND, times) for times in course.beyond), (Phase.RECOVERY, CALM)):
        step = Step(phase, rounded(times * call), course.seed)
        made = _made(step, probes)
        if not made or (made[-1].outcome is Outcome.INVALID and invalid_twice(made) is None):
            return step
    return None


def beyond_of(course: Course, call: float, probes: Sequence[Probe]) -> Beyond:
    """What the probes past a capacity of `call` show."""
    peak = max((probe.goodput_per_s or 0.0 for probe in probes), default=0.0)
    points = []
    for times in course.beyond:
        step = Step(Phase.BEYOND, rounded(times * call), course.seed)
        if made := _made(step, probes):
            last = made[-1]
            kept = None if last.goodput_per_s is None or not peak else last.goodput_per_s / peak
            points.append(Point(times, last.offered_per_s, last.goodput_per_s, kept, last.folder, last.why))
    unknown = "" if points else "no probe past the capacity was made"
    return Beyond(peak or None, tuple(points), unknown)


def recovery_of(course: Course, call: float, probe: Probe, people: Mapping[str, Column]) -> Recovery:
    """What the jump of `probe` left behind. people: of its run."""
    calm, jump = course.length_s, JUMP_SHARE * course.length_s
    if probe.outcome is Outcome.INVALID:
        return Recovery(folder=probe.folder, not_known_because=probe.why)
    after = after_jump(people, calm, jump, calm + jump + WATCHED * course.length_s)
    unseen = f"it was felt longer than the {after.watched_s:g} s that were watched" if after.recovered_s is None else ""
    return Recovery(
        calm_per_s=probe.offered_per_s,
        jump_per_s=jump_rate(call),
        jump_s=jump,
        level=after.level,
        most=after.most,
        recovered_s=after.recovered_s,
        watched_s=after.watched_s,
        folder=probe.folder,
        not_known_because=unseen,
    )


def jump_rate(call: float) -> float:
    """People a second of a jump."""
    return rounded(JUMP * call)


def _made(step: Step, probes: Sequence[Probe]) -> list[Probe]:
    return [probe for probe in probes if (probe.phase, probe.offered_per_s) == (step.phase, step.per_s)]
