"""Every metric of the service: names, units and labels; dashboards may use only these, and a test compares them.

Each process owns one registry. Label values are created at zero at start, or the first event of a kind would be
invisible to `rate`. `registration_*` only; partners, swarm and rehearsal declare their own.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import product

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.domain import buckets
from service.domain.errors import REPEAT_REASONS

ROUTE_CLASSES = ("health", "board", "place", "ticket", "step", "answer", "upload", "page", "read")
DOOR_CLASSES = ("all", "ticket", "step", "answer", "upload", "page", "read")
DOOR_REASONS = ("late", "full", "last", "stalled")
DOOR_PROGRESS = ("finishing", "continuing", "entering", "browsing")
STATUS_CLASSES = ("2xx", "4xx", "429", "503", "5xx")
ROUTES = (
    "board", "place", "tickets", "claims", "accounts", "codes", "sessions", "identity", "profile", "files-create",
    "files-patch", "files-head", "files-put", "files-form", "phone-verification", "assessment", "answers", "submission",
    "me", "join", "pages", "health", "others",
)  # fmt: skip
"""As the swarm's clients name them, so that what a request costs and how often it is made stand side by side."""
ANSWER_OUTCOMES = ("ok", "refused", "busy", "error", "left")
QUEUES = ("email", "sms", "identity", "photo", "announcement", "payout", "invitation")
JOB_OUTCOMES = ("done", "retried", "late", "dead", "expired", "dropped", "refused")
PARTNERS = ("civil_registry", "email", "sms", "email_second", "sms_second", "announcement", "payout")
INSPECTION_OUTCOMES = ("accepted", "wrong_type", "unreadable", "too_many_pixels", "failed")
BUCKET_OPERATIONS = ("write", "read", "size", "remove")
SPENT = ("used", "waited", "round_trip", "commit")
TAKEOVERS = ("same_process", "released", "fenced")
CALL_OUTCOMES = ("ok", "temporary", "permanent", "unknown")
PROMISES = ("early", "inside", "late")
STAGES = (
    "ticketed", "admitted", "account_created", "code_verified", "identity_submitted", "identity_verified",
    "identity_mismatch", "profile_completed", "photos_uploaded", "phone_verified", "assessed", "wave_joined",
    "notified", "training_chosen", "paid",
)  # fmt: skip
COMPLAINT_AGES = ("fresh", "due", "late")
SIGN_IN_REFUSALS = ("password", "code", "codes", "address", "busy")
GATE_STAGES = ("email", "sms", "photo_intake", "assessment", "steps", "identity")
SWITCHES = (
    "partner_guard", "bounded_queues", "partner_pacing", "drop_abandoned_work", "idempotency", "resumable_uploads",
    "waiting_room", "synthetic_people", "overload_limit",
)  # fmt: skip
"""Settings that are on or off; a test holds the list equal to the table of settings."""


class _DatabaseTimes(Collector):
    """Where the time of those who use the database goes, read when it is asked."""

    def __init__(self, spent: Callable[[], Mapping[str, tuple[float, int]]]) -> None:
        self._spent = spent

    def collect(self) -> Iterable[Metric]:
        seconds = CounterMetricFamily(
            "registration_database_seconds_total",
            "Time in which connections were used; in which somebody waited for one; of statements that do nothing but "
            "begin a transaction (round_trip); and of commits.",
            labels=["what"],
        )
        visits = CounterMetricFamily("registration_database_visits_total", "How often.", labels=["what"])
        for what, (spent, times) in self._spent().items():
            seconds.add_metric([what], spent)
            visits.add_metric([what], times)
        yield seconds
        yield visits


class _Process(Collector):
    """What this process has used, read when it is asked."""

    def __init__(self) -> None:
        self._started_at = time.time()

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "registration_process_cpu_seconds_total",
            "CPU seconds of this process; an asyncio process is full at one a second.",
            value=time.process_time(),
        )
        yield GaugeMetricFamily(
            "registration_process_start_timestamp_seconds",
            "When this process started, unix time.",
            value=self._started_at,
        )


class Metrics:
    """The service's instruments, registered in a registry of their own."""

    def __init__(self, *, detail: str = "default") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self.tells_times = detail == "calibration"
        """By route and outcome: up to two thousand lines of a scrape, so only where somebody fits them."""
        edges = buckets.CALIBRATION if self.tells_times else buckets.DEFAULT
        registry = self.registry

        def histogram(name: str, text: str, labels: Iterable[str] = ()) -> Histogram:
            return Histogram(name, text, labels, buckets=edges, registry=registry)

        def counter(name: str, text: str, labels: Iterable[str] = ()) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
            return Gauge(name, text, labels, registry=registry)

        self.http_seconds = histogram(
            "registration_http_request_seconds", "Time from request head to answer, by route class.", ["route_class"]
        )
        self.http_requests = counter(
            "registration_http_requests_total", "Requests answered.", ["route_class", "status_class"]
        )
        self.http_queue_full = counter(
            "registration_http_queue_full_total",
            "Those of them answered 503 because a queue was full.",
            ["route_class"],
        )
        self.http_measured = counter(
            "registration_http_measured_total",
            "Requests whose processor time was measured, one in five; left: nobody waited for the answer any more.",
            ["route", "outcome"],
        )
        self.http_cpu = counter(
            "registration_http_cpu_seconds_total",
            "CPU seconds that the event loop worked on the measured requests.",
            ["route", "outcome"],
        )
        self.http_measured_seconds = histogram(
            "registration_http_measured_seconds",
            "Time from request head to answer of the measured requests, by route and outcome; calibration detail only.",
            ["route", "outcome"],
        )
        self.stages = counter("registration_stage_total", "People who completed a stage.", ["stage"])
        self.last_ticket = gauge("registration_waiting_room_last_ticket", "Highest ticket number given out.")
        self.frontier = gauge("registration_waiting_room_frontier", "Highest ticket number invited to claim.")
        self.gate_rate = gauge(
            "registration_waiting_room_rate_people_per_second", "Rate at which the gate lets people in, at most."
        )
        self.gate_admitted = gauge("registration_waiting_room_admitted_people", "People let in since the room exists.")
        self.gate_granted = gauge(
            "registration_waiting_room_granted_people", "So many may be let in before the gatekeeper looks again."
        )
        self.gate_pending = gauge(
            "registration_waiting_room_pending_people", "Invited people who claimed and are to be let in."
        )
        self.gate_inside = gauge(
            "registration_waiting_room_inside_people", "People let in within the life of a pass and its leeway."
        )
        self.show_share = gauge(
            "registration_waiting_room_show_share", "Share of the invited who come, as the gatekeeper reckons."
        )
        self.gate_strain = gauge(
            "registration_waiting_room_strain_ratio",
            "What people bear at a stage behind the gate, as a multiple of what its objective allows.",
            ["stage"],
        )
        self.gate_bound = gauge(
            "registration_waiting_room_bound", "1 for the stage that bounds the rate at the gate.", ["stage"]
        )
        self.gate_standstill = gauge(
            "registration_waiting_room_standstill_seconds",
            "How long live people have waited while nobody was let in although the gate is open; 0: not so.",
        )
        self.gate_blind = gauge(
            "registration_waiting_room_blind", "1 while the gate cannot see the stages, and holds its rate."
        )
        self.promises = counter(
            "registration_waiting_room_promises_total",
            "People let in, by how the first range of waiting time that they were shown held.",
            ["outcome"],
        )
        self.live_people = gauge(
            "registration_waiting_room_live_people", "People in line who asked within the last two and a half minutes."
        )
        self.counts_as_of = gauge(
            "registration_counts_as_of_timestamp_seconds",
            "Whatever was done before is in the public counts, unix time; 0: this process has not counted.",
        )
        self.counted = counter(
            "registration_counts_changes_total", "Changes of people that were taken into the public counts."
        )
        self.complaints_open = gauge(
            "registration_complaints_open",
            "Complaints that nobody has answered: in the first half of the promised time, in the second, after it.",
            ["age"],
        )
        self.complaints_oldest = gauge("registration_complaints_oldest_age_seconds", "Age of the oldest of them.")
        self.complaints_promise = gauge("registration_complaints_promise_seconds", "The promised time.")
        self.queue_depth = gauge("registration_queue_depth", "Jobs waiting or leased.", ["queue"])
        self.queue_limit = gauge("registration_queue_limit", "Most jobs the queue accepts.", ["queue"])
        self.queue_oldest = gauge("registration_queue_oldest_age_seconds", "Age of the oldest waiting job.", ["queue"])
        self.queue_drain = gauge(
            "registration_queue_drain_seconds",
            "Time until a job added now is done, at the rate at which jobs end; NaN: nothing ends.",
            ["queue"],
        )
        self.queue_jobs = counter("registration_queue_jobs_total", "Jobs by how they ended.", ["queue", "outcome"])
        self.clock_jumps = counter(
            "registration_queue_clock_jumps_total",
            "Times that a lane saw the database's clock jump: its quota then counts as just used.",
            ["queue"],
        )
        self.retries_postponed = counter(
            "registration_queue_retries_postponed_total",
            "Retries that waited for their turn in the partner's budget of retries.",
            ["queue"],
        )
        self.worker_lag = gauge(
            "registration_worker_lag_seconds", "How late the worker's event loop was at the last heartbeat."
        )
        self.partner_calls = counter(
            "registration_partner_calls_total", "Calls of partners by outcome.", ["partner", "outcome"]
        )
        self.partner_seconds = histogram("registration_partner_call_seconds", "Time of a partner call.", ["partner"])
        self.partner_circuit = gauge(
            "registration_partner_circuit_state",
            "0: the partner is asked; 1: it is tried; 2: it is left alone.",
            ["partner"],
        )
        self.partner_openings = counter(
            "registration_partner_circuit_openings_total", "Times that a partner began to be left alone.", ["partner"]
        )
        self.partner_limit = gauge(
            "registration_partner_calls_limit", "Calls at once that the partner bears, as far as we know.", ["partner"]
        )
        self.partner_in_flight = gauge("registration_partner_calls_in_flight", "Calls under way.", ["partner"])
        self.second_share = gauge(
            "registration_partner_second_share", "Share of the messages that goes to the second provider.", ["channel"]
        )
        self.code_handover_seconds = histogram(
            "registration_code_handover_seconds",
            "Time from a code being asked for to its hand-over to the gateway.",
            ["channel", "quota_bound"],
        )
        self.upload_bytes = counter("registration_upload_bytes_total", "Photo bytes acknowledged.")
        self.uploads_open = gauge("registration_uploads_open", "Uploads receiving bytes now.")
        self.upload_takeovers = counter(
            "registration_upload_takeovers_total",
            "Uploads that a reconnecting phone got back, by how: its old request ran in this process or in another "
            "that let go when asked, or nobody let go in time and it was fenced.",
            ["how"],
        )
        self.uploads_erased = counter(
            "registration_uploads_erased_total",
            "Uploads whose bytes the sweep erased: those that expired, and those that were given up.",
            ["why"],
        )
        self.upload_erasures_failed = counter(
            "registration_upload_erasures_failed_total",
            "Uploads whose bytes could not be erased; it is tried again.",
        )
        self.upload_erasure_overdue = gauge(
            "registration_upload_erasure_overdue_seconds",
            "How long the oldest upload that expired or was given up has waited for its bytes to be erased.",
        )
        self.bucket_seconds = histogram(
            "registration_photo_bucket_seconds",
            "Time of an operation on the bucket that photos lie in, its repeats included; failed ones too.",
            ["kind"],
        )
        self.bucket_failures = counter(
            "registration_photo_bucket_failures_total", "Operations on the bucket that failed.", ["kind"]
        )
        self.photo_inspections = counter(
            "registration_photo_inspections_total",
            "Photos inspected, by what they were found to be; failed: the inspector was killed and the photo waits.",
            ["outcome"],
        )
        self.photo_inspection_seconds = histogram(
            "registration_photo_inspection_seconds", "Time of an inspection, from the inspector being free on."
        )
        self.photo_inspectors_busy = gauge("registration_photo_inspectors_busy", "Photos being inspected now.")
        self.photo_inspectors_limit = gauge(
            "registration_photo_inspectors_limit", "Most photos that this worker inspects at once."
        )
        self.pool_used = gauge("registration_database_connections_used", "Connections of the pool in use.")
        self.pool_size = gauge("registration_database_connections_limit", "Most connections the pool opens.")
        self.transaction_repeats = counter(
            "registration_transaction_repeats_total",
            "Transactions that the database undid, by why; refused: no budget was left to begin them again.",
            ["reason", "outcome"],
        )
        self.commits_unknown = counter(
            "registration_commits_unknown_total",
            "Commits of which nobody said what became, by what was found out; open: nothing, and the asker was told.",
            ["outcome"],
        )
        self.door_limit = gauge(
            "registration_door_limit_requests",
            "Requests at once that the door lets in; all: together.",
            ["route_class"],
        )
        self.door_in_flight = gauge(
            "registration_door_in_flight_requests", "Requests that are worked on; all: together.", ["route_class"]
        )
        self.door_waiting = gauge("registration_door_waiting_requests", "Requests that stand in line at the door.")
        self.door_shed = counter(
            "registration_door_shed_total", "Requests turned away at the door.", ["reason", "progress"]
        )
        self.door_gone = counter(
            "registration_door_gone_total", "Requests never begun because their client left while they stood in line."
        )
        self.loop_lag = gauge(
            "registration_event_loop_lag_seconds", "The longest that the event loop of the web role stood still lately."
        )
        self.sign_ins_refused = counter(
            "registration_staff_sign_ins_refused_total",
            "Sign-ins of the staff that were refused: wrong name or password, wrong code, too many wrong codes, too "
            "many tries of one address; busy: too many passwords waited to be compared.",
            ["reason"],
        )
        self.switch_on = gauge("registration_switch_on", "1 while this setting is on.", ["switch"])
        self.database_spent: Callable[[], Mapping[str, tuple[float, int]]] = lambda: dict.fromkeys(SPENT, (0.0, 0))
        """Seconds and number by each of SPENT; set by whoever opens the database."""
        registry.register(_DatabaseTimes(lambda: self.database_spent()))
        registry.register(_Process())
        self._create_at_zero()

    def show_switches(self, on: Mapping[str, bool]) -> None:
        """on: every one of SWITCHES."""
        for switch in SWITCHES:
            self.switch_on.labels(switch).set(on[switch])

    @staticmethod
    def of(
        instrument: Counter | Gauge | Histogram, label: str = "", part: str = "", **matching: str
    ) -> dict[str, float]:
        """The values of one instrument now, added up by one of its labels; without labels under "".

        part: only series whose name ends so, those of a histogram for example; matching: only those with these labels.
        """
        found: dict[str, float] = {}
        for metric in instrument.collect():
            for sample in metric.samples:
                if sample.name.endswith(part) and matching.items() <= sample.labels.items():
                    name = sample.labels.get(label, "")
                    found[name] = found.get(name, 0.0) + sample.value
        return found

    def _create_at_zero(self) -> None:
        for route_class in ROUTE_CLASSES:
            self.http_seconds.labels(route_class)
            self.http_queue_full.labels(route_class)
            for status_class in STATUS_CLASSES:
                self.http_requests.labels(route_class, status_class)
        for route, outcome in product(ROUTES, ANSWER_OUTCOMES):
            self.http_measured.labels(route, outcome)
            self.http_cpu.labels(route, outcome)
        one_label: tuple[tuple[Counter | Gauge, Iterable[str]], ...] = (
            (self.stages, STAGES),
            (self.gate_strain, GATE_STAGES),
            (self.gate_bound, GATE_STAGES),
            (self.door_limit, DOOR_CLASSES),
            (self.door_in_flight, DOOR_CLASSES),
            (self.promises, PROMISES),
            (self.uploads_erased, ("expired", "given_up")),
            (self.upload_takeovers, TAKEOVERS),
            (self.photo_inspections, INSPECTION_OUTCOMES),
            (self.second_share, ("email", "sms")),
            (self.commits_unknown, ("done", "undone", "open")),
            (self.complaints_open, COMPLAINT_AGES),
            (self.sign_ins_refused, SIGN_IN_REFUSALS),
            (self.switch_on, SWITCHES),
        )
        for instrument, values in one_label:
            for value in values:
                instrument.labels(value)
        for queue in QUEUES:
            for gauge in (self.queue_depth, self.queue_limit, self.queue_oldest, self.queue_drain):
                gauge.labels(queue)
            for outcome in JOB_OUTCOMES:
                self.queue_jobs.labels(queue, outcome)
            for each in (self.clock_jumps, self.retries_postponed):
                each.labels(queue)
        for partner, outcome in product(PARTNERS, CALL_OUTCOMES):
            self.partner_calls.labels(partner, outcome)
            self.partner_seconds.labels(partner)
        for partner, part in product(
            PARTNERS, (self.partner_circuit, self.partner_openings, self.partner_limit, self.partner_in_flight)
        ):
            part.labels(partner)
        for kind in BUCKET_OPERATIONS:
            self.bucket_seconds.labels(kind)
            self.bucket_failures.labels(kind)
        for reason, outcome in product(REPEAT_REASONS, ("begun", "refused")):
            self.transaction_repeats.labels(reason, outcome)
        for reason, progress in product(DOOR_REASONS, DOOR_PROGRESS):
            self.door_shed.labels(reason, progress)
        for channel, bound in product(("email", "sms"), ("yes", "no")):
            self.code_handover_seconds.labels(channel, bound)


def serve(metrics: Metrics, host: str, port: int) -> tuple[int, Callable[[], None]]:
    """Show the metrics on a listener of their own, in a thread: a busy event loop does not delay a scrape for long.

    port: 0 takes a free one. Returns the port and what ends the listener. Raises OSError when the port is taken.
    """
    server, thread = start_http_server(port, host, metrics.registry)

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, close
