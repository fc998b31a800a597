"""G18: a whole registration behind the gate, whose narrowest stage is the intake of photos, minutes behind it.

Three nights of the same people: with the room, whose rate follows the stages and begins where a rehearsal found them;
with the switch off; and, to tell the two apart, with a room that only keeps its limit. The stages are models in virtual
time (room_stages); the loop and its rules are the service's.
"""

from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_stages import Intake, Night, Origin, Partner, Stage, Step, World, steadily

GOALS = ("G18",)
SEEDS, QUICK = 2, 1

INTAKE = 10.0
"""People a second whose photos are taken in: the bottleneck."""
PLANNED = 9.5
LIMIT = 60.0
PEOPLE, QUICK_PEOPLE = 48_000, 30_000
HOUR = 3600.0
FOUND = 1800.0
"""By then the first people have come through, and the rate has been found."""
UNTIL, QUICK_UNTIL = 4200.0, 3000.0

USED = 0.95
COLLAPSED = 0.5

JOURNEY = [
    Step("steps", 20.0), Step("email", 20.0, 0.95), Step("steps", 10.0, 0.98), Step("steps", 60.0, 0.97),
    Step("steps", 60.0, 0.98), Step("photo_intake", 60.0, 0.95), Step("steps", 10.0), Step("assessment", 300.0),
    Step("assessment", 300.0), Step("steps", 10.0),
]  # fmt: skip
"""Account, code, identity, drafts, photos, the test, joining; some leave on the way for reasons of their own."""


def night(seed: int, people: int, *, paced: bool, gated: bool = True) -> Night:
    """gated: a room is there; paced: its rate follows the stages."""
    world = World(seed)
    stages: dict[str, Stage] = {
        "steps": Origin(world, steadily(40.0 * INTAKE)),
        "email": Partner(world, steadily(6.0 * INTAKE)),
        "photo_intake": Intake(world, steadily(INTAKE)),
        "assessment": Origin(world, steadily(40.0 * INTAKE)),
    }
    start = PLANNED if paced else LIMIT
    one = Night(world, stages, JOURNEY, most_per_s=LIMIT, start_per_s=start, paced=paced)
    one.line = 0

    def come() -> None:
        if gated:
            one.line += 1
        else:
            one.let_in()

    for number in range(people):  # half of them in the first minutes, as when doors open
        late = number % 2
        at = world.random.uniform(0.0, HOUR) if late else world.random.expovariate(1.0 / 600.0)
        world.after(1.0 + at, come)
    return one


def finished(one: Night, since: float, until: float) -> float:
    """Share of what the bottleneck can do in that time that was finished in it."""
    return sum(since <= at < until for at in one.finished) / (INTAKE * (until - since))


def measure(seed: int, run: Run) -> Figures:
    people, until = (QUICK_PEOPLE, QUICK_UNTIL) if run.quick else (PEOPLE, UNTIL)
    figures: Figures = {}
    for name, paced, gated in (("room", True, True), ("limit", False, True), ("off", False, False)):
        one = night(seed, people, paced=paced, gated=gated)
        one.world.run(until)
        through = one.admitted - one.left
        figures[f"{name}_used"] = finished(one, FOUND, until)
        figures[f"{name}_gave_up"] = one.gave_up / max(through, 1)
        figures[f"{name}_finished"] = len(one.finished)
    if figures["off_used"] > COLLAPSED:
        raise Invalid("without the room the stages did not break down, so nothing was protected")
    return figures


def judge(figures: list[Figures]) -> list[Finding]:
    def least(name: str) -> float:
        return float(min(each[name] for each in figures))

    def most(name: str) -> float:
        return float(max(each[name] for each in figures))

    used = sum(each["room_used"] for each in figures) / len(figures)
    return [
        Finding("G18", used >= USED,
                f"with the room {used:.1%} of the bottleneck's capacity finishes (at least {USED:.0%}; worst of "
                f"{len(figures)} seeds {least('room_used'):.1%}), with the switch off {most('off_used'):.1%}, with a "
                f"fixed limit {most('limit_used'):.1%}"),
        Finding("G18", most("room_gave_up") <= 0.05,
                f"of those let in who did not leave by themselves {1 - most('room_gave_up'):.1%} could finish, "
                f"{1 - most('off_gave_up'):.1%} with the switch off"),
    ]  # fmt: skip
