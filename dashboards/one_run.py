"""The dashboard of one rehearsal: what the crowd met, whether the figures can be trusted, what it cost."""

from dashboards.frame import Dashboard, Row
from dashboards.panels import Panel, Query, limits
from service.metrics import STAGES

UNSEEN = {"identity_verified", "identity_mismatch", "notified", "training_chosen", "paid"}
"""What nobody in the crowd is told, or comes to on the night."""
SEEN = tuple(stage for stage in STAGES if stage not in UNSEEN)
"""Stages that an applicant completes; the registry's answer comes to the service."""

FARED = Row(
    "How did people fare?",
    (
        Panel(
            "Planned", "Applicants that this run starts.", "locale", (Query("sum(swarm_planned_applicants)"),),
            "stat", width=4, height=4, decimals=0,
        ),
        Panel(
            "Joined", "Applicants who were told that they joined.", "locale",
            (Query('sum(swarm_fates_total{fate="joined"})'),), "stat", width=4, height=4, decimals=0,
        ),
        Panel(
            "Failed", "Applicants who gave up after errors, timeouts or missing codes, as a share of the planned.",
            "percentunit", (Query('sum(swarm_fates_total{fate="failed"}) / sum(swarm_planned_applicants)'),),
            "stat", width=4, height=4, limits=limits(0.01, 0.05), most=1, decimals=1,
        ),
        Panel(
            "Lateness of 99 %",
            "99 of 100 applicants were started at most this late. Above 10 ms the generator was the limit and the run "
            "is invalid.",
            "s", (Query("histogram_quantile(0.99, sum by (le) (swarm_lateness_seconds_bucket))"),),
            "stat", width=4, height=4, limits=limits(0.005, 0.01),
        ),
        Panel(
            "Applicants a second in the busiest 10 s", "The highest rate of arrivals that was played.", "cps",
            (Query("max_over_time(sum(rate(swarm_arrivals_total[10s]))[$__range:2s])"),), "stat", width=4, height=4,
        ),
        Panel(
            "Still on their way", "Applicants who have neither joined nor ended otherwise.", "locale",
            (Query("sum(swarm_live_applicants)"),), "stat", width=4, height=4, decimals=0,
        ),
        Panel(
            "Fates", "Applicants by how they ended, so far.", "locale",
            (Query("sum by (fate) (swarm_fates_total)", "{{fate}}"),), "stacked", width=12, decimals=0,
        ),
        Panel(
            "Furthest stage", "Applicants who completed each stage, as the crowd counted them.", "locale",
            tuple(Query(f'sum(swarm_stage_total{{stage="{stage}"}})', stage) for stage in SEEN), "bars",
            width=12, decimals=0,
        ),
    ),
)  # fmt: skip

CROWD = Row(
    "What did the crowd do, and was it on time?",
    (
        Panel(
            "Arrivals against the plan", "Applicants started a second, and those whose instant came.", "cps",
            (
                Query("sum(rate(swarm_arrivals_total[$__rate_interval]))", "started"),
                Query("sum(deriv(swarm_due_applicants[$__rate_interval]))", "due"),
            ),
        ),
        Panel(
            "Applicants on their way", "Started and not yet ended.", "locale",
            (Query("sum(swarm_live_applicants)", "on their way"),), decimals=0,
        ),
        Panel(
            "Lateness of the generator",
            "Start of an applicant minus the planned instant. Above 10 ms the machine could not play the night, and "
            "what was measured is the machine.",
            "s",
            (
                Query("histogram_quantile(0.5, sum by (le) (rate(swarm_lateness_seconds_bucket[1m])))", "half"),
                Query("histogram_quantile(0.99, sum by (le) (rate(swarm_lateness_seconds_bucket[1m])))", "99 %"),
            ),
            limits=limits(0.005, 0.01),
        ),
        Panel(
            "Due and not yet started", "Applicants whose instant has come, and whom the generator has not started. "
            "Taken over are those whose worker was lost, and whom another one started late.",
            "locale",
            (
                Query("sum(swarm_due_applicants) - sum(swarm_arrivals_total)", "waiting"),
                Query("sum(swarm_taken_over_total)", "taken over"),
            ),
            width=6, decimals=0,
        ),
        Panel(
            "Cores of the generator", "What its processes used, and what they waited for because others had it. Where "
            "the two come near one for each process, the machine is too small.",
            "none",
            (
                Query('sum(rate(rehearsal_cpu_seconds_total{role="swarm"}[$__rate_interval]))', "used"),
                Query("sum(rate(swarm_core_wait_seconds_total[$__rate_interval]))", "waited for"),
            ),
            "stacked", width=6, decimals=2,
        ),
        Panel(
            "What stopped the generator", "Of 1,000 looks at its loop the worst, and the longest of 100 searches for "
            "garbage. Whoever is due meanwhile starts late.",
            "s",
            (
                Query("histogram_quantile(0.999, sum by (le) (rate(swarm_loop_delay_seconds_bucket[1m])))", "loop"),
                Query("histogram_quantile(0.99, sum by (le) (rate(swarm_gc_pause_seconds_bucket[1m])))", "garbage"),
            ),
            width=6, limits=limits(0.05, 0.1),
        ),
        Panel(
            "Files and connections open", "By the process that holds most; the limit is `ulimit -n`.", "locale",
            (Query("max(swarm_open_files)", "open"),), width=6, decimals=0,
        ),
        Panel(
            "Requests out, counted and timed",
            "Counted: how many were out at a time, by the wall clock. Timed: what the crowd's clock says that they "
            "took, for each second. By Little's law the two are one line; where they part, a clock lies or answers "
            "were lost.",
            "none",
            (
                Query("sum(rate(swarm_requests_out_seconds_total[$__rate_interval])) "
                      "/ avg(rate(swarm_watched_seconds_total[$__rate_interval]))", "counted"),
                Query("sum(rate(swarm_request_seconds_sum[$__rate_interval])) "
                      "+ sum(rate(swarm_blocked_seconds_sum[$__rate_interval])) "
                      "+ sum(rate(swarm_unanswered_seconds_total[$__rate_interval])) "
                      "+ sum(deriv(swarm_requests_out_age_seconds[$__rate_interval]))", "timed"),
                Query("sum(swarm_requests_out)", "out now"),
            ),
            decimals=2,
        ),
        Panel(
            "People who only look", "They read a page or a few beside the applicants, and are counted apart: planned, "
            "there now, and gone after reading or because no page was answered.",
            "locale",
            (
                Query("sum(swarm_onlookers_planned)", "planned"),
                Query("sum(swarm_onlookers_arrived_total)", "came"),
                Query("sum(swarm_onlookers_live)", "there now"),
                Query("sum by (end) (swarm_onlookers_left_total)", "left: {{end}}"),
            ),
            decimals=0, empty="nobody only looks in this run.",
        ),
        Panel(
            "Their requests by outcome", "Start page, pages behind it, and what pages are drawn with.", "reqps",
            (Query("sum by (outcome) (rate(swarm_onlookers_requests_total[$__rate_interval]))", "{{outcome}}"),),
            "stacked", empty="nobody only looks in this run.",
        ),
        Panel(
            "How long they wait for a page", "95 of 100 requests, from when they were sent.", "s",
            (Query("histogram_quantile(0.95, sum by (le) "
                   "(rate(swarm_onlookers_request_seconds_bucket[$__rate_interval])))", "answered"),),
            limits=limits(1, 3), empty="nobody only looks in this run.",
        ),
    ),
)  # fmt: skip

FELT = Row(
    "What did people feel?",
    (
        Panel(
            "Requests by outcome",
            "ok; refused is a final no; busy says come back later; error is 5xx; timeout and transport had no answer. "
            "Held back: what adaptive clients did not ask, because most before was refused. Sent twice: after a long "
            "silence, beside the first request, which goes on.",
            "reqps",
            (
                Query("sum by (outcome) (rate(swarm_requests_total[$__rate_interval]))", "{{outcome}}"),
                Query("sum(rate(swarm_held_back_total[$__rate_interval]))", "held back"),
                Query("sum(rate(swarm_refreshes_total[$__rate_interval]))", "sent twice"),
            ),
            "stacked",
        ),
        Panel(
            "What sets people back",
            "Visits that ended after a failure, other browsers that begin with nothing, and pages that phones short of "
            "memory lost when camera or messages were opened. Many visits that end are the service's doing; the other "
            "two follow from the night's people.",
            "cpm",
            (Query("60 * sum by (setback) (rate(swarm_setbacks_total[$__rate_interval]))", "{{setback}}"),),
            empty="nothing sets anybody back.",
        ),
        Panel(
            "Answers within a second",
            "Share of requests answered within a second of the instant they were intended, uploads apart. The "
            "objective is 95 %.",
            "percentunit",
            (Query('sum(rate(swarm_scheduled_seconds_bucket{route!~"files-.*", le="1.0"}[$__rate_interval])) '
                   '/ sum(rate(swarm_scheduled_seconds_count{route!~"files-.*"}[$__rate_interval]))', "within 1 s"),),
            limits=((None, "red"), (0.95, "green")), most=1, decimals=1,
        ),
        Panel(
            "Waiting in the phone",
            "95 of 100 requests: from the intended instant, and from the instant they were sent. Where the two part, "
            "the crowd itself was late, or waited for a connection of its own (blocked).",
            "s",
            (
                Query('histogram_quantile(0.95, sum by (le) '
                      '(rate(swarm_scheduled_seconds_bucket{route!~"files-.*"}[$__rate_interval])))', "intended"),
                Query('histogram_quantile(0.95, sum by (le) '
                      '(rate(swarm_request_seconds_bucket{route!~"files-.*"}[$__rate_interval])))', "sent"),
                Query('histogram_quantile(0.95, sum by (le) '
                      '(rate(swarm_blocked_seconds_bucket{route!~"files-.*"}[$__rate_interval])))', "blocked"),
            ),
            limits=limits(1, 3),
        ),
        Panel(
            "Time of 95 % of answers, by route", "From the intended instant, as people feel it.", "s",
            (Query("histogram_quantile(0.95, sum by (route, le) "
                   "(rate(swarm_scheduled_seconds_bucket[$__rate_interval])))", "{{route}}"),),
            width=12, height=10, limits=limits(1, 3),
        ),
        Panel(
            "Bytes of photos sent for each that arrived",
            "What phones sent, for photos that arrived whole in the last five minutes or did not; 1 is the least. "
            "Resumable uploads on the worst network stay below 1.15.",
            "none",
            (Query('sum(rate(swarm_photo_bytes_total{bytes="sent"}[5m])) '
                   '/ sum(rate(swarm_photo_bytes_total{bytes="stored"}[5m]))', "sent / stored"),),
            width=12, limits=limits(1.15, 2), decimals=2,
        ),
        Panel(
            "Lines that broke under a photo", "And the requests that went on where one had stopped.", "cps",
            (
                Query("sum by (cut) (rate(swarm_line_cuts_total[$__rate_interval]))", "{{cut}}"),
                Query("sum(rate(swarm_photo_resumes_total[$__rate_interval]))", "resumed"),
            ),
            width=12,
        ),
        Panel(
            "Requests without success, by route", "Requests a second that were neither ok nor a final no.", "reqps",
            (Query('sum by (route, outcome) (rate(swarm_requests_total{outcome!~"ok|refused"}[$__rate_interval])) > 0',
                   "{{route}} {{outcome}}"),),
            width=12, height=10, empty="every request had its answer",
        ),
        Panel(
            "Requests for each first attempt",
            "All requests of a route, repeats and second copies among them, for each that was somebody's first attempt "
            "at the step. 1 is the least; far above it the service works for its own refusals and errors.",
            "none",
            (Query("sum by (route) (increase(swarm_requests_total[1m])) "
                   "/ (sum by (route) (increase(swarm_first_requests_total[1m])) > 0)", "{{route}}"),),
            width=12, limits=limits(1.5, 3), decimals=2,
        ),
        Panel(
            "Messages with a code",
            "By whether anybody looked out for it when it came: unread ones went to people who had left, or had "
            "another one already.",
            "cps",
            (Query("sum by (reader) (rate(swarm_codes_delivered_total[$__rate_interval]))", "{{reader}}"),),
            "stacked", width=12,
        ),
    ),
)  # fmt: skip

STORIES = Row(
    "Do crowd, service and partners tell the same story?",
    (
        Panel(
            "Stages: crowd minus service",
            "Lines return to zero within a scrape. One that stays above it: somebody was told what a killed process "
            "no longer counts, or what is lost; below: an answer did not arrive. The verdict compares ledgers, not "
            "these counters.",
            "locale",
            (Query("sum by (stage) (swarm_stage_total) - on (stage) sum by (stage) (registration_stage_total)",
                   "{{stage}}"),),
            width=12, least=None, decimals=0,
        ),
        Panel(
            "Calls: partners minus service",
            "Requests that partners received minus calls that ended at the service. Zero, but for calls under way and "
            "those without an answer.",
            "locale",
            (Query("sum by (partner) (partner_requests_total) - on (partner) "
                   "sum by (partner) (registration_partner_calls_total)", "{{partner}}"),),
            width=12, least=None, decimals=0,
        ),
    ),
)  # fmt: skip

PARTNERS = Row(
    "What did the partners meet?",
    (
        Panel(
            "Requests at partners", "By what became of them.", "reqps",
            (Query("sum by (partner, outcome) (rate(partner_requests_total[$__rate_interval]))",
                   "{{partner}} {{outcome}}"),),
        ),
        Panel(
            "Busiest minute, as a share of the agreed rate",
            "Most requests in any minute so far, divided by what the partner lets through in one. Above 100 % the "
            "service asked too often, or a fault has just throttled the partner.",
            "percentunit",
            (Query('max by (partner) (partner_busiest_window_requests{window_seconds="60"}) '
                   "/ max by (partner) (60 * partner_rate_limit_requests_per_second > 0)", "{{partner}}"),),
        ),
        Panel(
            "Messages on their way", "Accepted by the gateway and not yet delivered.", "locale",
            (Query("sum by (partner) (partner_messages_pending)", "{{partner}}"),), decimals=0,
        ),
        Panel(
            "Messages by how they ended", "A lost message never arrives; people ask again.", "cps",
            (Query("sum by (partner, outcome) (rate(partner_messages_total[$__rate_interval]))",
                   "{{partner}} {{outcome}}"),),
        ),
        Panel(
            "Allowance left", "Identity checks left in the present period of the civil registry's allowance.",
            "locale", (Query("min(partner_allowance_left_requests)", "left"),), decimals=0,
            empty="the registry has no allowance in this set of partners",
        ),
        Panel(
            "Connections for deliveries", "Workers of the swarm that hear of delivered codes.", "locale",
            (Query("sum(partner_delivery_connections)", "connections"),), decimals=0,
        ),
    ),
)  # fmt: skip

INSIDE = Row(
    "What happened inside meanwhile?",
    (
        Panel(
            "In line", "People who hold a ticket and have not been invited yet.", "locale",
            (Query("run:registration_waiting_room_line:people", "in line"),), decimals=0,
        ),
        Panel(
            "Jobs waiting", "Jobs waiting or leased.", "locale",
            (Query("run_queue:registration_queue_depth:max", "{{queue}}"),), decimals=0,
        ),
        Panel(
            "Requests at the service", "Requests answered a second, by class of route.", "reqps",
            (Query("sum by (route_class) (rate(registration_http_requests_total[$__rate_interval]))",
                   "{{route_class}}"),),
            "stacked",
        ),
    ),
)  # fmt: skip

COST = Row(
    "What did it cost?",
    (
        Panel(
            "Cores by role", "CPU seconds a second of each role's processes, PostgreSQL and the crowd included.",
            "none", (Query("sum by (role) (rate(rehearsal_cpu_seconds_total[$__rate_interval]))", "{{role}}"),),
            "stacked", width=12, decimals=2,
        ),
        Panel(
            "CPU for each person who joined", "All CPU seconds so far, divided by those who joined so far.", "s",
            (Query('sum by (role) (rehearsal_cpu_seconds_total) '
                   '/ scalar(sum(swarm_fates_total{fate="joined"}) > 0)', "{{role}}"),),
            "stacked", width=12,
        ),
        Panel(
            "How full each loop was",
            "Share of the time in which a program's main thread ran or waited for a core that others had. Near 1 it "
            "is full, whoever has the core; beside it, how many cores the program may use.",
            "percentunit",
            (
                Query("sum by (program) (rate(rehearsal_main_thread_seconds_total[$__rate_interval]))", "{{program}}"),
                Query('sum by (program) (rate(rehearsal_main_thread_seconds_total{state="waited"}[$__rate_interval]))',
                      "{{program}}: waited"),
                Query("min(rehearsal_allowed_cores)", "fewest cores allowed"),
            ),
            decimals=2,
        ),
        Panel(
            "Cores of the machine", "How busy each core was, whoever had it, how much of that its host gave to other "
            "machines, and how many processes of each role waited for one.",
            "none",
            (
                Query("sum by (core) (rate(rehearsal_core_busy_seconds_total[$__rate_interval]))", "core {{core}}"),
                Query("sum by (role) (rate(rehearsal_core_wait_seconds_total[$__rate_interval]))", "{{role}} waits"),
                Query("sum(rate(rehearsal_core_stolen_seconds_total[$__rate_interval]))", "taken by the host"),
            ),
            decimals=2,
        ),
        Panel(
            "Disks", "Share of the time in which a disk had something to do; one that serves several at once may do "
            "more although it is never idle.",
            "percentunit",
            (Query("sum by (disk) (rate(rehearsal_disk_busy_seconds_total[$__rate_interval]))", "{{disk}}"),),
            most=1, decimals=2,
        ),
    ),
)  # fmt: skip

TIMELINE = Row(
    "What was played, and when?",
    (
        Panel(
            "Phases", "prepare, arrivals, drain, audit.", "none",
            (Query("sum by (phase) (rehearsal_phase_active)", "{{phase}}"),), "states", width=12,
            states={"0": ("", "transparent"), "1": ("active", "blue")}, limits=((None, "transparent"), (1, "blue")),
        ),
        Panel(
            "Injected faults", "Each fault of the night, by kind and target.", "none",
            (Query("sum by (fault, target) (rehearsal_fault_active)", "{{fault}} of {{target}}"),), "states", width=12,
            states={"0": ("", "transparent"), "1": ("active", "red")}, limits=((None, "transparent"), (1, "red")),
            empty="the night has no faults",
        ),
    ),
)  # fmt: skip

ONE_RUN = Dashboard(
    uid="launchnight-run",
    title="One run",
    description="One rehearsal, live or loaded again: `launchnight export RUN` says how and prints the link.",
    rows=(FARED, CROWD, FELT, STORIES, PARTNERS, INSIDE, COST, TIMELINE),
    since="now-1h",
    refresh="",
    one_run=True,
)
