"""What a plan's record calls by name - knobs, stages, objectives, formulas - as words of its page."""

from reports.rules import RULES
from reports.wording import N_, Said, Told, number, percent, say, seconds
from scenarios.plan_record import Asked

KNOBS = {
    "gate": N_("admission by the waiting room"),
    "web": N_("web processes"),
    "database": N_("database cores"),
    "inspectors": N_("photo inspectors"),
    "email": N_("e-mail gateway"),
    "sms": N_("SMS gateway"),
    "registry": N_("civil registry"),
    "door": N_("the door before the web processes"),
}
"""Knobs, and the one stage of a band that is none."""
NEEDED = {
    "gate": N_("a waiting room that lets in {amount} people/s"),
    "web": N_("{amount} web processes"),
    "database": N_("{amount} database cores"),
    "inspectors": N_("{amount} photo inspectors"),
    "email": N_("{amount} e-mails/s"),
    "sms": N_("{amount} SMS/s"),
    "registry": N_("{amount} identity checks/s"),
}
"""So much of a knob, inside a sentence."""
UNITS = {
    "people/s": N_("people/s"),
    "processes": N_("processes"),
    "cores": N_("cores"),
    "messages/s": N_("messages/s"),
    "checks/s": N_("checks/s"),
}
OWN = {
    "came_joined_ratio": N_("At least {bound} of those who come in time and want to join do so"),
    "line_wait_s": N_("The line before the doors passes within {bound}, whenever it is longest"),
    "codes_oldest_s": N_("No code waits longer than {bound} for a gateway, at any full minute"),
    "identity_answered_ratio": N_("At least {bound} of identity checks answered before the wave closes"),
    "inspection_wait_s": N_("Photos wait {bound} for their inspection on average, at most"),
}
"""Objectives that are the planner's own."""
ORIGINS = {"night": N_("of the night"), "plan": N_("of every plan"), "asked": N_("asked for")}
UNJUDGED = {
    "server_error_ratio": N_("a simulated service answers or turns away; it has no errors of its own"),
    "codes_within_10s_ratio": N_("codes that wait here wait for a quota, and those are not judged"),
    "photos_stored_ratio": N_("photos are not counted one by one"),
    "photo_tries_median": N_("photos are not counted one by one"),
    "waits_in_range_ratio": N_("nobody is shown a range of waits"),
    "lost": N_("there is no ledger that could disagree"),
    "doubled": N_("there is no ledger that could disagree"),
}
"""Objectives of nights that no simulation can judge, by the last part of their id."""
FIGURES = {
    "mean wait, s": N_("mean wait, s"),
    "work, core-seconds": N_("work, core-seconds"),
    "turned away in the busiest minute": N_("turned away in the busiest minute"),
    "requests refused": N_("requests refused"),
    "most jobs waiting": N_("most jobs waiting"),
    "jobs refused": N_("jobs refused"),
    "longest line, people": N_("longest line, people"),
}
FORMULAS = {
    "M/G/c": N_("M/G/c by minute (Allen and Cunneen), a fluid where it is full"),
    "utilization law": N_("utilization law"),
    "Erlang A": N_("Erlang A"),
    "retrial fixed point": N_("retrial fixed point"),
    "fluid": N_("a fluid, minute by minute"),
    "M/M/1/K, Erlang B": N_("M/M/1/K and Erlang B"),
}
STAGES = {
    "line": N_("waiting line"), "account": N_("account"), "code": N_("code"), "identity": N_("identity"),
    "profile": N_("profile"), "photos": N_("photos"), "phone": N_("phone"), "assessment": N_("test"),
    "join": N_("joining"),
}  # fmt: skip


def knob(name: str) -> Said:
    return say(KNOBS[name])


def worded(name: str, value: float | None, source: str = "") -> Told:
    """A value or a bound of the objective `name`."""
    if name.endswith("_ratio"):
        return percent(value, 2, source=source)
    return seconds(value, source=source) if name.endswith("_s") else number(value, source=source)


def goal(one: Asked, source: str = "") -> Said:
    """What an objective asks."""
    name = one.id.rpartition(".")[2]
    bound = worded(name, one.bound, source)
    text = say(OWN[name], bound=bound) if name in OWN else RULES[name].text(bound)
    if not one.id.startswith("stage."):
        return text
    stage = say("Stage {stage}", stage=say(STAGES[one.id.split(".")[1]]))
    return say("{where}: {what}", where=stage, what=text)


def goal_of(identifier: str, goals: tuple[Asked, ...]) -> Said:
    """The objective of that id among those of a plan."""
    return next((goal(one) for one in goals if one.id == identifier), Said((identifier,)))


def unjudged(identifier: str) -> Said:
    """An objective of the night that is left out, and why."""
    why = N_("a plan is held against the whole night")
    if not identifier.startswith("window."):
        why = UNJUDGED[identifier.rpartition(".")[2]]
    return say("{id}: {why}", id=identifier, why=say(why))
