"""What a simulated service is made of and what its work costs: the input beside the night.

The defaults are the figures of DESIGN section 6, measured on rehearsals of this repository: a registration of 41
requests with two photos of 300 KB takes 0.046 s of a web process and 0.025 s of PostgreSQL. A calibration (docs/
calibration.md) replaces them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scenarios.journey_state import Action
from service.domain.waves import PHOTO_SLOTS

_REQUESTS = 41
_PHOTO_MB = 0.3
_WEB_S, _DATABASE_S = 0.046, 0.025
_PHOTO_SHARE = 0.2
"""Of the web's seconds: what goes by the bytes of photos. Our assumption until a calibration tells it."""

WEB_S_PER_REQUEST = _WEB_S * (1.0 - _PHOTO_SHARE) / _REQUESTS
WEB_S_PER_MB = _WEB_S * _PHOTO_SHARE / (PHOTO_SLOTS * _PHOTO_MB)
DATABASE_S_PER_REQUEST = _DATABASE_S / _REQUESTS


@dataclass(frozen=True)
class Resources:
    """What was bought. A web process has one core; capacities of partners are the night's."""

    web: int = 40
    """Web processes: 600 people a second take 28 cores, and a third is kept free."""
    database: int = 24
    """Cores of PostgreSQL."""
    inspectors: int = 32
    """Processes that look at photos."""
    workers: int = 2
    gate_per_s: float | None = None
    """People a second that the waiting room lets in at most; None: as the partner set says."""
    waiting_room: bool = True
    overload_limit: bool = True
    bounded_queues: bool = True
    partner_pacing: bool = True
    drop_abandoned_work: bool = True
    shared_core: bool = False
    """Web process, database, workers and gatekeeper are held to one core together: scenarios.simulation.shared_core.
    The counts above then mean nothing."""
    follows_stages: bool = True
    """The gate's rate follows the tightest stage behind it, as the service's gatekeeper always does; else it is
    `gate_per_s`, whatever that does to the stages."""
    planned_per_s: float | None = None
    """The rate that it begins with, as REGISTRATION_GATE_PLANNED_RATE; None: all that may come in."""

    def unprotected(self) -> "Resources":
        """The same machines without any protection: the night as it was launched."""
        return replace(
            self, gate_per_s=-1.0, waiting_room=False, overload_limit=False, bounded_queues=False,
            partner_pacing=False, drop_abandoned_work=False, follows_stages=False, planned_per_s=None,
        )  # fmt: skip


@dataclass(frozen=True)
class Costs:
    """Seconds of CPU. What a mapping does not name costs the default of all requests."""

    web_s: Mapping[Action, float] = field(default_factory=dict)
    database_s: Mapping[Action, float] = field(default_factory=dict)
    request_web_s: float = WEB_S_PER_REQUEST
    request_database_s: float = DATABASE_S_PER_REQUEST
    photo_web_s_per_mb: float = WEB_S_PER_MB
    poll_web_s: float = 0.0003
    """A look at one's place in the line: answered from memory."""
    refusal_web_s: float = 0.0002
    """Turned away at the door, before anything was begun."""
    inspection_s: float = 0.12
    sigma: float = 0.6
    """Of a request's costs around their mean, log-normal."""
    gate_s: Mapping[Action, float] = field(default_factory=dict)
    """Of the gatekeeper, for a request. This and what follows counts where all roles share a core."""
    job_worker_s: Mapping[str, float] = field(default_factory=dict)
    job_database_s: Mapping[str, float] = field(default_factory=dict)
    """For a job of email, sms, identity or photo; what the inspection itself takes is `inspection_s`."""
    idle: Mapping[str, float] = field(default_factory=dict)
    """Cores that a role uses when nobody asks."""
    pause_s: float = 0.0
    """Of a request, without any core: the disk, the network and the client's side; the mean."""
    pause_sigma: float = 0.0
    """Of these around their mean, log-normal."""
    turns: float = 1.0
    """What a request waits for others is so many times the line that it finds."""
    behind_share: float = 1.0 / 3.0
    """Of the core, for inspectors, while web process and database want it too: Linux shares it evenly among these."""

    def web(self, action: Action) -> float:
        if action is Action.PLACE:
            return self.web_s.get(action, self.poll_web_s)
        return self.web_s.get(action, self.request_web_s)

    def database(self, action: Action) -> float:
        """Places in line are told from memory: they cost nothing here."""
        if action is Action.PLACE:
            return self.database_s.get(action, 0.0)
        return self.database_s.get(action, self.request_database_s)
