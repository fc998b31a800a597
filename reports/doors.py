"""What lets people and requests in: the waiting room's gate, and the door of a web process.

Both follow what is behind them: a limit that was taken back for the sake of something that is full is no cause. They
are named when nothing behind them was at its limit.
"""

import numpy as np

from reports.resources import Resource, Watch, average, most
from reports.statistics import BoolArray
from reports.wording import Said, count, number, say

HOUSE = ("web", "pool", "answers", "database", "disk", "machine")
SOURCE = "#why"


def doors(watch: Watch) -> list[Resource]:
    """Those that the record knows."""
    return [each for each in (_door(watch), _gate(watch)) if each is not None]


def _door(watch: Watch) -> Resource | None:
    name = "registration_door_limit_requests"
    if not watch.has(name, route_class="all"):
        return None
    limit = watch.mean(name, route_class="all")
    inside = watch.mean("registration_door_in_flight_requests", route_class="all")
    waiting = watch.mean("registration_door_waiting_requests")
    shed = watch.rate("registration_door_shed_total")
    with np.errstate(divide="ignore", invalid="ignore"):
        use = inside / limit

    def told(chosen: BoolArray) -> Said:
        return say(
            "{waiting} requests stood in line at any moment, and {shed}/s were turned away.",
            waiting=number(average(waiting, chosen), source=SOURCE), shed=number(average(shed, chosen), source=SOURCE),
        )  # fmt: skip

    most_inside = say("requests at once: {count}", count=number(most(limit, ~watch.never), source=SOURCE))
    felt = (np.nan_to_num(waiting) >= 0.5) | (np.nan_to_num(shed) >= 0.5)
    return Resource(
        "door", say("the door of the web role"), most_inside, use, use + np.nan_to_num(waiting / limit), felt, told,
        behind=HOUSE, stages=("steps", "assessment", "photo_intake"),
    )  # fmt: skip


def _gate(watch: Watch) -> Resource | None:
    """The gate of the waiting room, unless it is switched off."""
    name = "registration_waiting_room_rate_people_per_second"
    rate = watch.mean(name, highest=True)
    on = watch.mean("registration_switch_on", highest=True, switch="waiting_room")
    if not watch.has(name) or (on < 0.5).any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        use = np.where(rate > 0, watch.people("admitted_at") / rate, np.nan)
        demand = np.where(rate > 0, watch.people("ticketed_at") / rate, np.nan)
    line = watch.mean("registration_waiting_room_live_people", highest=True)

    def told(chosen: BoolArray) -> Said:
        return say("Up to {people} people waited in line.", people=count(most(line, chosen), source=SOURCE))

    fastest = say("{rate} people/s", rate=number(most(rate, ~watch.never), source=SOURCE))
    behind = (*HOUSE, "worker", "email", "sms", "identity", "email-calls", "sms-calls", "identity-calls", "door")
    return Resource("gate", say("the gate"), fastest, use, np.fmax(use, demand), line >= 1.0, told, behind=behind)
