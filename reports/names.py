"""Names that a record uses - of fates, roles, queues, ledgers, faults, endings - as words of the report."""

from reports.wording import N_, Said, say

FATES = {
    "joined": N_("joined"),
    "refused": N_("refused"),
    "abandoned": N_("abandoned"),
    "failed": N_("failed"),
    "cut": N_("cut"),
}
MANNERS = {
    "punctual": N_("punctual"),
    "naive": N_("naive"),
    "polite": N_("polite"),
    "adaptive": N_("adaptive"),
}
LEDGERS = {
    "accounts": N_("accounts"),
    "codes": N_("codes"),
    "identity_checks": N_("identity checks"),
    "photos": N_("photos"),
    "joins": N_("joins"),
}
PARTS = {
    "web": N_("web"),
    "worker": N_("worker"),
    "gatekeeper": N_("gatekeeper"),
    "database": N_("database"),
    "proxy": N_("proxy"),
    "swarm": N_("swarm"),
    "partners": N_("partners"),
    "harness": N_("harness"),
    "email": N_("email"),
    "sms": N_("sms"),
    "identity": N_("identity"),
    "civil_registry": N_("civil registry"),
    "applicants_link": N_("applicants' link"),
    "database_link": N_("database link"),
}
"""Roles of the service and of the rehearsal, partners, their queues, and the links between them."""
FAULTS = {
    "outage": N_("outage of {target}"),
    "slow": N_("slow of {target}"),
    "errors": N_("errors of {target}"),
    "throttled": N_("throttled of {target}"),
    "failing": N_("failing of {target}"),
    "silent": N_("silent of {target}"),
    "killed": N_("killed of {target}"),
    "stopped": N_("stopped of {target}"),
    "latency": N_("latency of {target}"),
    "bandwidth": N_("bandwidth of {target}"),
    "black_hole": N_("black hole of {target}"),
    "slicer": N_("slicer of {target}"),
    "reset": N_("reset of {target}"),
    "limit_data": N_("limit data of {target}"),
    "half_close": N_("half close of {target}"),
    "slow_close": N_("slow close of {target}"),
    "down": N_("down of {target}"),
}
"""Kinds of faults and whom they befall."""
OUTCOMES = {
    "met": N_("met"),
    "crashed": N_("crashed"),
    "stopped": N_("stopped"),
    "missed": N_("missed"),
    "not-ready": N_("not ready"),
    "invalid": N_("invalid"),
    "lost-or-doubled": N_("lost or doubled"),
    "interrupted": N_("interrupted"),
}
ENDINGS = {
    "drained": N_("drained"),
    "limit": N_("at the drain limit"),
    "interrupted": N_("interrupted"),
    "disk": N_("at the disk cap"),
    "missed": N_("with an objective missed"),
    "crash": N_("by a crash"),
    "not-ready": N_("before the service was ready"),
}
AUDITS = {
    "never-started": N_("never started"),
    "lateness": N_("lateness"),
    "latest": N_("latest start"),
    "cpu": N_("a worker's core"),
    "cores": N_("the machine's cores"),
    "rush": N_("a full core for a moment"),
    "ports": N_("local ports"),
    "files": N_("open files"),
    "connections": N_("connections"),
    "loop": N_("a worker's loop"),
    "gc": N_("garbage collection"),
    "worker-lost": N_("a lost worker"),
}
"""What the swarm looks after in itself."""
READINGS = {"gentle": N_("gentle reading"), "expected": N_("expected reading"), "harsh": N_("harsh reading")}
FACTORS = {"people": N_("people"), "speed": N_("speed"), "pace": N_("pace")}
STATUSES = {"fact": N_("fact"), "assumption": N_("assumption")}


def named(name: str, among: dict[str, str]) -> Said:
    """The words for a name of the record: one of the tables above, or the name itself where it is in none."""
    return say(among[name]) if name in among else Said((name.replace("_", " "),))


def fault_named(kind: str, target: str) -> Said:
    """A fault and whom it befell, if anybody."""
    if not target:
        return Said((kind.replace("_", " "),))
    if kind not in FAULTS:
        return say("{kind} of {target}", kind=kind, target=named(target, PARTS))
    return say(FAULTS[kind], target=named(target, PARTS))
