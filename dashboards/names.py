"""Every metric that a dashboard or rule may use: the service's own by its registry, the others' in the table below.

`tests/dashboards` holds the table against what swarm, partners and harness really expose, and everything declared
against what the dashboards use.
"""

from typing import NamedTuple

from service.metrics import Metrics


class Declared(NamedTuple):
    kind: str
    """counter, gauge or histogram."""
    labels: tuple[str, ...]
    """Its own; `job`, `instance` and `run` come from the scrape."""


OTHERS: dict[str, Declared] = {
    "swarm_planned_applicants": Declared("gauge", ()),
    "swarm_due_applicants": Declared("gauge", ()),
    "swarm_live_applicants": Declared("gauge", ()),
    "swarm_arrivals_total": Declared("counter", ()),
    "swarm_taken_over_total": Declared("counter", ()),
    "swarm_lateness_seconds": Declared("histogram", ()),
    "swarm_fates_total": Declared("counter", ("fate",)),
    "swarm_stage_total": Declared("counter", ("stage",)),
    "swarm_requests_total": Declared("counter", ("outcome", "route")),
    "swarm_first_requests_total": Declared("counter", ("route",)),
    "swarm_refreshes_total": Declared("counter", ()),
    "swarm_setbacks_total": Declared("counter", ("setback",)),
    "swarm_codes_delivered_total": Declared("counter", ("reader",)),
    "swarm_held_back_total": Declared("counter", ()),
    "swarm_photo_bytes_total": Declared("counter", ("bytes",)),
    "swarm_photo_resumes_total": Declared("counter", ()),
    "swarm_line_cuts_total": Declared("counter", ("cut",)),
    "swarm_request_seconds": Declared("histogram", ("route",)),
    "swarm_blocked_seconds": Declared("histogram", ("route",)),
    "swarm_scheduled_seconds": Declared("histogram", ("route",)),
    "swarm_requests_out": Declared("gauge", ()),
    "swarm_requests_out_seconds_total": Declared("counter", ()),
    "swarm_requests_out_age_seconds": Declared("gauge", ()),
    "swarm_unanswered_seconds_total": Declared("counter", ()),
    "swarm_watched_seconds_total": Declared("counter", ()),
    "swarm_onlookers_planned": Declared("gauge", ()),
    "swarm_onlookers_live": Declared("gauge", ()),
    "swarm_onlookers_arrived_total": Declared("counter", ()),
    "swarm_onlookers_left_total": Declared("counter", ("end",)),
    "swarm_onlookers_requests_total": Declared("counter", ("outcome", "route")),
    "swarm_onlookers_request_seconds": Declared("histogram", ()),
    "swarm_loop_delay_seconds": Declared("histogram", ()),
    "swarm_gc_pause_seconds": Declared("histogram", ()),
    "swarm_core_wait_seconds_total": Declared("counter", ()),
    "swarm_open_files": Declared("gauge", ()),
    "partner_requests_total": Declared("counter", ("outcome", "partner")),
    "partner_messages_total": Declared("counter", ("outcome", "partner")),
    "partner_messages_pending": Declared("gauge", ("partner",)),
    "partner_rate_limit_requests_per_second": Declared("gauge", ("partner",)),
    "partner_busiest_window_requests": Declared("gauge", ("partner", "window_seconds")),
    "partner_delivery_connections": Declared("gauge", ()),
    "partner_allowance_left_requests": Declared("gauge", ()),
    "rehearsal_cpu_seconds_total": Declared("counter", ("role",)),
    "rehearsal_core_wait_seconds_total": Declared("counter", ("role",)),
    "rehearsal_main_thread_seconds_total": Declared("counter", ("program", "role", "state")),
    "rehearsal_allowed_cores": Declared("gauge", ("program", "role")),
    "rehearsal_core_busy_seconds_total": Declared("counter", ("core",)),
    "rehearsal_core_stolen_seconds_total": Declared("counter", ("core",)),
    "rehearsal_disk_busy_seconds_total": Declared("counter", ("disk",)),
    "rehearsal_phase_active": Declared("gauge", ("phase",)),
    "rehearsal_fault_active": Declared("gauge", ("fault", "target")),
    "process_cpu_seconds_total": Declared("counter", ()),
}
"""Of swarm, partners and harness."""

UNUSED = {
    "process_cpu_seconds_total": "of swarm and partners; rehearsal_cpu_seconds_total has it by role, children included",
    "registration_http_measured_seconds": "only with metrics_detail = calibration, for `launchnight calibrate` to fit",
}
"""Exposed, and shown nowhere for the reason given."""

SAMPLES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def declared() -> dict[str, Declared]:
    """All metrics by name, counters with their `_total`."""
    ours = {}
    for metric in Metrics().registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
        ours[name] = Declared(metric.type, tuple(sorted(labels)))
    return ours | OTHERS


def samples() -> dict[str, str]:
    """Name of each series that is exposed -> its metric: three series names for one histogram."""
    return {name + part: name for name, one in declared().items() for part in SAMPLES[one.kind]}
