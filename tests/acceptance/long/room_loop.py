"""G17: the loop that chooses the rate, against an origin whose capacity changes while nobody tells it.

The rules and the loop are the service's, the origin is a model in virtual time (room_stages). `measure` plays a
halving, a slow decline, a capacity that comes and goes, and figures that fall silent; and, as the control, a halving
without the loop.
"""

from collections.abc import Callable
from statistics import mean

from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_stages import Night, Origin, Partner, Stage, Step, World, mean_rate, p95, steadily

GOALS = ("G17",)
SEEDS, QUICK = 20, 3

PEOPLE = 60.0
"""A second that the stages keep up with at first."""
REQUESTS = 4
AT = 300.0
"""When something happens; the loop has found the capacity by then."""
AFTER = 300.0
LATE_CODE_S = 10.0
LATE_ANSWER_S = 1.0

UNDER_WITHIN = 10.0
BACK_WITHIN = 30.0
OPTIMUM_WITHIN = 120.0
OPTIMUM = 0.9
SWING = 0.15


def origin_night(
    seed: int, people_per_s: Callable[[float], float], *, paced: bool = True, silent_s: float = 0
) -> Night:
    world = World(seed)
    stages: dict[str, Stage] = {"steps": Origin(world, lambda now: REQUESTS * people_per_s(now))}
    journey = [Step("steps", 1.5)] * REQUESTS
    return Night(
        world, stages, journey, most_per_s=1.5 * PEOPLE, start_per_s=0.9 * PEOPLE,
        paced=paced, silent=lambda now: AT <= now < AT + silent_s,
    )  # fmt: skip


def codes_night(seed: int, codes_per_s: Callable[[float], float]) -> Night:
    world = World(seed)
    stages: dict[str, Stage] = {"steps": Origin(world, steadily(4000.0)), "email": Partner(world, codes_per_s)}
    journey = [Step("steps", 0.5), Step("email", 4.0)]
    return Night(world, stages, journey, most_per_s=1.5 * PEOPLE, start_per_s=0.9 * PEOPLE)


def halved(now: float) -> float:
    return PEOPLE / 2 if now >= AT else PEOPLE


def declining(now: float) -> float:
    return PEOPLE * (1.0 - 0.5 * min(max(now - AT, 0.0) / 120.0, 1.0))


def flapping(now: float) -> float:
    return PEOPLE / 2 if now >= AT and int((now - AT) / 60.0) % 2 == 0 else PEOPLE


def swing_of(night: Night, since: float, until: float) -> float:
    """Highest less lowest rate of admissions in windows of 10 s, as a share of their mean."""
    means = [mean_rate(night.seconds, at, at + 10.0) for at in _steps(since, until - 10.0, 5.0)]
    return (max(means) - min(means)) / mean(means)


def under_after(night: Night, capacity: float) -> float:
    """Seconds after the change from which on admissions of each 3 s stay under the capacity for half a minute."""
    over = [at for at in _steps(AT, AT + 30.0, 1.0) if mean_rate(night.seconds, at, at + 3.0) > capacity]
    return max(over, default=AT - 1.0) + 1.0 - AT


def back_after(took: list[tuple[float, float]], limit: float) -> float:
    """Seconds after the change from which on 95 of 100 of each 5 s took no longer than the limit, for two minutes."""
    late = [at for at in _steps(AT, AT + 120.0, 1.0) if p95(took, at, at + 5.0) > limit]
    return max(late, default=AT - 1.0) + 1.0 - AT


def _steps(since: float, until: float, step: float) -> list[float]:
    return [since + step * number for number in range(int((until - since) / step))]


def measure(seed: int, run: Run) -> Figures:
    night = origin_night(seed, halved)
    night.world.run(AT + AFTER)
    origin = night.stages["steps"]
    assert isinstance(origin, Origin)
    figures: Figures = {
        "halved_under_s": under_after(night, PEOPLE / 2),
        "halved_answers_back_s": back_after(list(origin.answers), LATE_ANSWER_S),
        "halved_refused_share": origin.refused_share(AT + BACK_WITHIN, AT + AFTER),
        "halved_optimum": mean_rate(night.seconds, AT + OPTIMUM_WITHIN, AT + AFTER) / (PEOPLE / 2),
        "halved_swing": swing_of(night, AT + OPTIMUM_WITHIN, AT + AFTER),
    }
    night = codes_night(seed, halved)
    night.world.run(AT + AFTER)
    figures["codes_under_s"] = under_after(night, PEOPLE / 2)
    figures["codes_back_s"] = back_after(list(night.stages["email"].took), LATE_CODE_S)
    figures["codes_optimum"] = mean_rate(night.seconds, AT + OPTIMUM_WITHIN, AT + AFTER) / (PEOPLE / 2)

    night = origin_night(seed, declining)
    night.world.run(AT + AFTER)
    figures["ramp_optimum"] = mean_rate(night.seconds, AT + 180.0, AT + AFTER) / (PEOPLE / 2)
    figures["ramp_swing"] = swing_of(night, AT + 180.0, AT + AFTER)

    night = origin_night(seed, flapping)
    night.world.run(AT + 2 * AFTER)
    flapped = night.stages["steps"]
    assert isinstance(flapped, Origin)
    figures["flap_answers_p95_s"] = p95(list(flapped.answers), AT, AT + 2 * AFTER)
    figures["flap_used"] = mean_rate(night.seconds, AT + 60.0, AT + 2 * AFTER) / (0.75 * PEOPLE)

    night = origin_night(seed, halved, silent_s=60.0)
    night.world.run(AT + AFTER)
    silent = [each.rate_per_s for each in night.seconds if AT + 6.0 <= each.at < AT + 60.0]
    figures["silent_rose"] = max(silent) - silent[0]
    figures["silent_seen_under_s"] = under_after_silence(night)

    control = origin_night(seed, halved, paced=False)
    control.most_per_s = control._rate = PEOPLE
    control.world.run(AT + AFTER)
    uncut = control.stages["steps"]
    assert isinstance(uncut, Origin)
    figures["control_refused_share"] = uncut.refused_share(AT + BACK_WITHIN, AT + AFTER)
    if figures["control_refused_share"] < 0.3:
        raise Invalid("a halved origin without the loop refused hardly anybody")
    return figures


def under_after_silence(night: Night) -> float:
    over = [at for at in _steps(AT + 60.0, AT + 90.0, 1.0) if mean_rate(night.seconds, at, at + 3.0) > PEOPLE / 2]
    return max(over, default=AT + 59.0) + 1.0 - AT - 60.0


def judge(figures: list[Figures]) -> list[Finding]:
    def worst(name: str) -> float:
        return float(max(each[name] for each in figures))

    def least(name: str) -> float:
        return float(min(each[name] for each in figures))

    seeds = f"{len(figures)} seeds"
    return [
        Finding("G17", worst("halved_under_s") <= UNDER_WITHIN and worst("codes_under_s") <= UNDER_WITHIN,
                f"capacity halved: admissions under it after {worst('halved_under_s'):.0f} s (origin) and "
                f"{worst('codes_under_s'):.0f} s (codes) at worst of {seeds}, at most {UNDER_WITHIN:.0f}"),
        Finding("G17", worst("halved_answers_back_s") <= BACK_WITHIN,
                f"p95 of answers within {LATE_ANSWER_S:.0f} s after {worst('halved_answers_back_s'):.0f} s, at most "
                f"{BACK_WITHIN:.0f} (the door sheds meanwhile: {worst('halved_refused_share'):.1%} refused from then "
                f"on, {least('control_refused_share'):.0%} without the loop); codes within {LATE_CODE_S:.0f} s after "
                f"{worst('codes_back_s'):.0f} s"),
        Finding("G17", least("halved_optimum") >= OPTIMUM and least("ramp_optimum") >= OPTIMUM,
                f"{least('halved_optimum'):.1%} of the new optimum from {OPTIMUM_WITHIN:.0f} s on, "
                f"{least('ramp_optimum'):.1%} after a slow decline, {least('codes_optimum'):.1%} at codes"),
        Finding("G17", worst("halved_swing") <= SWING and worst("ramp_swing") <= SWING,
                f"swing {worst('halved_swing'):.1%} after a halving, {worst('ramp_swing'):.1%} after a decline, "
                f"at most {SWING:.0%}"),
        Finding("G17", worst("silent_rose") <= 0.0 and worst("silent_seen_under_s") <= UNDER_WITHIN,
                f"figures silent for a minute: the rate rose by {worst('silent_rose'):.2f}/s, and was under the halved "
                f"capacity {worst('silent_seen_under_s'):.0f} s after they came back"),
        Finding("G17", worst("flap_answers_p95_s") <= LATE_ANSWER_S,
                f"capacity that comes and goes each minute: p95 of answers {worst('flap_answers_p95_s'):.2f} s, "
                f"{least('flap_used'):.0%} of its mean used"),
    ]  # fmt: skip
