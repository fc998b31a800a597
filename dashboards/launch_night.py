"""The dashboard of the engineers on duty: from what people notice down to what causes it."""

from dashboards.counts import COUNTS
from dashboards.desk import DESK
from dashboards.frame import Dashboard, Row
from dashboards.grants import GRANTS
from dashboards.panels import WITHOUT, Panel, Query, limits
from dashboards.photos import PHOTOS
from dashboards.waiting_room import DOOR
from service.metrics import STAGES

WELL = Row(
    "Is the night going well?",
    (
        Panel(
            "Joined",
            "People who joined the wave in the time shown. The count of a process that was killed is lost up to 2 s; "
            "the database has the truth.",
            "locale",
            (Query('round(sum(increase(registration_stage_total{stage="wave_joined"}[$__range])))'),),
            "stat", width=4, height=4, decimals=0,
        ),
        Panel(
            "In line now", "People who hold a ticket and have not been invited yet.", "locale",
            (Query("run:registration_waiting_room_line:people"),), "stat", width=4, height=4, decimals=0,
        ),
        Panel(
            "Failing now",
            "Share of answers that were an error of ours (5xx other than 503) in the last 5 minutes. The objective "
            "allows 0.1 %; at 0.72 % somebody is called.",
            "percentunit", (Query("run:registration_answers_failed:ratio_rate5m"),), "stat", width=4, height=4,
            limits=limits(0.001, 0.0072), decimals=2,
        ),
        Panel(
            "Late now",
            "Share of answers that took more than a second in the last 5 minutes, uploads apart. The objective allows "
            "5 %; at 36 % somebody is called.",
            "percentunit", (Query("run:registration_answers_late:ratio_rate5m"),), "stat", width=4, height=4,
            limits=limits(0.05, 0.36), decimals=1,
        ),
        Panel(
            "Turned away now",
            "Share of requests told to come back later (503 with Retry-After) in the last minute.",
            "percentunit", (Query("run:registration_answers_busy:ratio_rate1m"),), "stat", width=4, height=4,
            limits=limits(0.01, 0.1), decimals=1,
        ),
        Panel(
            "Fullest queue", "How full the fullest of the queues is. At 100 % people are refused.", "percentunit",
            (Query("max(run_queue:registration_queue_used:ratio)"),), "stat", width=4, height=4,
            limits=limits(0.8, 0.95), most=1, decimals=0,
        ),
        Panel(
            "How far people came",
            "People who completed each stage in the time shown. Where a bar is much shorter than the one above it, "
            "people are stuck or leave.",
            "locale",
            tuple(
                Query(f'round(sum(increase(registration_stage_total{{stage="{stage}"}}[$__range])))', stage)
                for stage in STAGES
            ),
            "bars", height=10, decimals=0,
        ),
        Panel(
            "People through each stage", "People a second who complete each stage.", "cps",
            (Query("sum by (stage) (rate(registration_stage_total[$__rate_interval]))", "{{stage}}"),), height=10,
        ),
        Panel(
            "Alerts that fire", "What somebody is being called for, or will find in the morning: docs/runbooks.md.",
            "none", (Query('ALERTS{alertstate="firing", severity!="none"}'),), "table", height=10,
            empty="no alert fires",
        ),
    ),
)  # fmt: skip

ANSWERS = Row(
    "Do we answer, in time and without errors?",
    (
        Panel(
            "Requests", "Requests answered a second, by class of route.", "reqps",
            (Query("sum by (route_class) (rate(registration_http_requests_total[$__rate_interval]))",
                   "{{route_class}}"),),
            "stacked",
        ),
        Panel(
            "Answers by status",
            "429 is the caller's quota, 503 our capacity (both say when to come back), 5xx are errors of ours.",
            "reqps",
            (Query("sum by (status_class) (rate(registration_http_requests_total[$__rate_interval]))",
                   "{{status_class}}"),),
            "stacked",
        ),
        Panel(
            "Time of 95 % of answers",
            "95 of 100 answers came within this time, by class of route. The objective is 1 s; uploads and pages with "
            "photos take the time of the phone's network.",
            "s",
            (Query("histogram_quantile(0.95, sum by (route_class, le) "
                   "(rate(registration_http_request_seconds_bucket[$__rate_interval])))", "{{route_class}}"),),
            limits=limits(1, 3),
        ),
        Panel(
            "Answers that fail",
            "Share of 5xx other than 503. The upper line is where somebody is called at once, the lower one the "
            "objective.",
            "percentunit",
            (
                Query("run:registration_answers_failed:ratio_rate30s", "30 s"),
                Query("run:registration_answers_failed:ratio_rate5m", "5 min"),
                Query("run:registration_answers_failed:ratio_rate30m", "30 min"),
                Query("run:registration_answers_failed:ratio_rate2h", "2 h"),
            ),
            width=12, limits=limits(0.001, 0.0072), decimals=2,
        ),
        Panel(
            "Answers that come late",
            "Share of answers after more than a second, uploads apart. The upper line is where somebody is called at "
            "once, the lower one the objective.",
            "percentunit",
            (
                Query("run:registration_answers_late:ratio_rate30s", "30 s"),
                Query("run:registration_answers_late:ratio_rate5m", "5 min"),
                Query("run:registration_answers_late:ratio_rate30m", "30 min"),
                Query("run:registration_answers_late:ratio_rate2h", "2 h"),
            ),
            width=12, limits=limits(0.05, 0.36), decimals=1,
        ),
        Panel(
            "Processor time of an answer",
            "CPU that the event loop of the web role gives to one request, by route; one request in five is measured. "
            "What the database, threads and the parsing of heads take is not in it.",
            "s",
            (Query("sum by (route) (rate(registration_http_cpu_seconds_total[$__rate_interval])) "
                   "/ (sum by (route) (rate(registration_http_measured_total[$__rate_interval])) > 0)", "{{route}}"),),
            width=12,
        ),
        Panel(
            "Answers that nobody waits for", "Share of requests whose client was gone before its answer: work for "
            "nobody. Photos apart, whose lines break.",
            "percentunit",
            (Query('sum(rate(registration_http_measured_total{outcome="left", route!~"files-.*"}[$__rate_interval])) '
                   '/ sum(rate(registration_http_measured_total{route!~"files-.*"}[$__rate_interval]))', "left"),),
            width=12, limits=limits(0.05, 0.2), most=1, decimals=1,
        ),
    ),
)  # fmt: skip

OVERLOAD = Row(
    "Is more asked than can be done?",
    (
        Panel(
            "Turned away by progress",
            "Requests a second that the door turned away (503), by how far those who asked had come. Those who look "
            "around go first; from finishing on, somebody is called.",
            "reqps",
            (Query("sum by (progress) (rate(registration_door_shed_total[$__rate_interval]))", "{{progress}}"),),
            "stacked", width=6,
        ),
        Panel(
            "Turned away by reason",
            "late: waited too long at the door. last: others of the same progress go first for some minutes. full: too "
            "many in line. stalled: the process stood still. left: the client went while it waited.",
            "reqps",
            (
                Query("sum by (reason) (rate(registration_door_shed_total[$__rate_interval]))", "{{reason}}"),
                Query("sum(rate(registration_door_gone_total[$__rate_interval]))", "left"),
            ),
            "stacked", width=6,
        ),
        Panel(
            "Turned away by a full queue",
            "Requests a second answered 503 because the queue behind them is full, by class of route. The gate holds "
            "the queue to account for them, not the machines.",
            "reqps",
            (Query("sum by (route_class) (rate(registration_http_queue_full_total[$__rate_interval]))",
                   "{{route_class}}"),),
            "stacked", width=6,
        ),
        Panel(
            "How full the door is",
            "Requests at work, as a share of what the door lets in at once. At 100 % some wait, then some are turned "
            "away.",
            "percentunit",
            (Query('sum by (instance) (registration_door_in_flight_requests{route_class="all"}) '
                   '/ sum by (instance) (registration_door_limit_requests{route_class="all"} > 0)', "{{instance}}"),),
            width=6, limits=limits(0.7, 1),
        ),
        Panel(
            "What the door lets in",
            "Requests at once, by class of route and all together, the sum over all processes. It falls where answers "
            "take longer than is usual; 4 for each process is the least.",
            "none",
            (Query("sum by (route_class) (registration_door_limit_requests)", "{{route_class}}"),), decimals=0,
        ),
        Panel(
            "Line at the door", "Requests that wait at the door, a tenth of a second at most.", "none",
            (Query("sum by (instance) (registration_door_waiting_requests)", "{{instance}}"),), decimals=0,
        ),
        Panel(
            "Event loop stood still",
            "The longest pause of each web process in the last 5 to 10 s. From 0.25 s on, those with little to lose "
            "are turned away until it is over.",
            "s", (Query("registration_event_loop_lag_seconds", "{{instance}}"),), limits=limits(0.1, 0.25),
        ),
    ),
)  # fmt: skip

QUEUES = Row(
    "Do codes, identity checks and inspections get through?",
    (
        Panel(
            "How full each queue is", "Jobs waiting or leased, as a share of the most that the queue accepts.",
            "percentunit", (Query("run_queue:registration_queue_used:ratio", "{{queue}}"),),
            width=6, limits=limits(0.8, 1), most=1,
        ),
        Panel(
            "Oldest waiting code", "A code is of little use after 2 minutes and dropped after 5.", "s",
            (Query(f'max {WITHOUT} (registration_queue_oldest_age_seconds{{queue=~"email|sms"}})', "{{queue}}"),),
            width=6, limits=limits(60, 120),
        ),
        Panel(
            "Oldest identity check", "People go on meanwhile; the answer must come before the wave freezes.", "s",
            (Query(f'max {WITHOUT} (registration_queue_oldest_age_seconds{{queue="identity"}})', "oldest"),),
            width=6, limits=limits(10800, 21600),
        ),
        Panel(
            "Codes handed over late",
            "Share of codes that waited more than 10 s with us although the partner's quota had room. The objective "
            "allows 5 %.",
            "percentunit", (Query("run_channel:registration_codes_late:ratio_rate5m", "{{channel}}"),),
            width=6, limits=limits(0.02, 0.05), most=1,
        ),
        Panel(
            "Time until a new job is done",
            "Jobs waiting, divided by the jobs that end a second; a gap is a queue in which nothing ends. For identity "
            "it must end before the wave freezes.",
            "s", (Query(f"max {WITHOUT} (registration_queue_drain_seconds)", "{{queue}}"),), limits=limits(60, 120),
        ),
        Panel(
            "Jobs waiting", "Jobs waiting or leased.", "locale",
            (Query("run_queue:registration_queue_depth:max", "{{queue}}"),), decimals=0,
        ),
        Panel(
            "Jobs by how they ended",
            "Jobs a second. retried goes back in line, late missed its turn at the partner's quota and goes back too, "
            "dropped had nobody waiting any more, expired was too late, dead was given up and is kept, refused met a "
            "full queue.",
            "ops",
            (Query("sum by (queue, outcome) (rate(registration_queue_jobs_total[$__rate_interval]))",
                   "{{queue}} {{outcome}}"),),
        ),
        Panel(
            "Time of a code with us",
            "95 of 100 codes were handed to the partner within this time after being asked for, by channel and by "
            "whether the partner's quota held them back.",
            "s",
            (Query("histogram_quantile(0.95, sum by (channel, quota_bound, le) "
                   "(rate(registration_code_handover_seconds_bucket[$__rate_interval])))",
                   "{{channel}}, quota bound: {{quota_bound}}"),),
            limits=limits(5, 10),
        ),
    ),
)  # fmt: skip

PARTNERS = Row(
    "Do the partners answer?",
    (
        Panel(
            "Calls of partners by outcome",
            "temporary is tried again, permanent is not, unknown had no answer in time and is asked again under the "
            "same key.",
            "reqps",
            (Query("sum by (partner, outcome) (rate(registration_partner_calls_total[$__rate_interval]))",
                   "{{partner}} {{outcome}}"),),
        ),
        Panel(
            "Retries that wait for their turn",
            "Retries a second that the budget, a fifth of the partner's quota, put off: more fails than it lets us ask "
            "again.",
            "ops",
            (Query("sum by (queue) (rate(registration_queue_retries_postponed_total[$__rate_interval]))",
                   "{{queue}}"),),
        ),
        Panel(
            "Calls of partners that fail", "Share of calls with a temporary error or no answer, over one minute.",
            "percentunit", (Query("run_partner:registration_partner_failures:ratio_rate1m", "{{partner}}"),),
            limits=limits(0.05, 0.2), most=1,
        ),
        Panel(
            "Time of a partner call", "95 of 100 calls were answered within this time. At 5 s a call is given up.", "s",
            (Query("run_partner:registration_partner_call_seconds:p95_rate2m", "{{partner}}"),), limits=limits(2, 3),
        ),
        Panel(
            "Partners left alone",
            "Whether each partner is asked. After eight failures in a row, or a second and a half without any answer, "
            "it is left alone, then tried by one call at a time. Its jobs wait meanwhile and use up no tries.",
            "none", (Query(f"max {WITHOUT} (registration_partner_circuit_state)", "{{partner}}"),), "states",
            limits=((None, "green"), (1, "orange"), (2, "red")),
            states={"0": ("asked", "green"), "1": ("tried", "orange"), "2": ("left alone", "red")},
        ),
        Panel(
            "Times a partner was left alone",
            "Per minute. Again and again: the partner comes back and breaks down under what waits for it.", "cpm",
            (Query("60 * sum by (partner) (rate(registration_partner_circuit_openings_total[$__rate_interval]))",
                   "{{partner}}"),),
        ),
        Panel(
            "Calls at once",
            "Calls under way, and how many the partner bears as far as our workers know: more while it answers well, "
            "a tenth less for each call that fails or takes more than half of its deadline.",
            "locale",
            (
                Query("sum by (partner) (registration_partner_calls_in_flight)", "{{partner}} under way"),
                Query("sum by (partner) (registration_partner_calls_limit)", "{{partner}} bears"),
            ),
            decimals=0,
        ),
        Panel(
            "Messages by the second provider",
            "Share of the messages that goes to the second provider; 0 where there is none.", "percentunit",
            (Query(f"max {WITHOUT} (registration_partner_second_share)", "{{channel}}"),), most=1,
        ),
    ),
)  # fmt: skip

PROCESSES = Row(
    "What runs, and how full is it?",
    (
        Panel(
            "Processes that answer", "Each process by role and slot; a slot is taken over when its process dies.",
            "none", (Query('up{job!="prometheus"}', "{{instance}}"),), "states", width=12,
            limits=((None, "red"), (1, "green")), states={"0": ("down", "red"), "1": ("up", "green")},
        ),
        Panel(
            "Time since each start", "A line that falls to zero is a process that was started anew.", "s",
            (Query("time() - registration_process_start_timestamp_seconds", "{{instance}}"),), width=12,
        ),
        Panel(
            "CPU of each process", "Cores used. A process of ours cannot use more than one.", "percentunit",
            (Query("rate(registration_process_cpu_seconds_total[$__rate_interval])", "{{instance}}"),),
            limits=limits(0.7, 0.9), most=1,
        ),
        Panel(
            "How late each worker is",
            "Delay of the worker's event loop, seen by its heartbeat. From 2.5 s on it renews no leases: others take "
            "its jobs over.",
            "s", (Query("registration_worker_lag_seconds", "{{instance}}"),), limits=limits(0.5, 2.5),
        ),
        Panel(
            "Jumps of the database's clock",
            "Times that a lane saw it set, in five minutes. Quotas then count as just used, for a second or so.",
            "locale",
            (Query("sum by (queue) (increase(registration_queue_clock_jumps_total[5m]))", "{{queue}}"),), decimals=0,
        ),
        Panel(
            "Database connections", "Connections in use, as a share of the most that each process opens.",
            "percentunit",
            (Query("registration_database_connections_used / (registration_database_connections_limit > 0)",
                   "{{instance}}"),),
            limits=limits(0.7, 0.9), most=1,
        ),
        Panel(
            "What its users wait for",
            "Means: for a free connection, for the answer to a statement that does nothing (the way there and back), "
            "and for a commit (the disk). Connections that are all in use say little before it is known for what.",
            "s",
            (
                Query('sum by (what) (rate(registration_database_seconds_total{what!="used"}[$__rate_interval])) / '
                      '(sum by (what) (rate(registration_database_visits_total{what!="used"}[$__rate_interval])) > 0)',
                      "{{what}}"),
            ),
            limits=limits(0.02, 0.1),
        ),
        Panel(
            "Transactions begun again",
            "What the database undid a second, by why: conflicts, cut connections. Refused: more than 10/s of one "
            "process, so their askers were told to come back. Many conflicts: two statements in each other's way.",
            "cps",
            (Query("sum by (reason, outcome) (rate(registration_transaction_repeats_total[$__rate_interval]))",
                   "{{reason}} {{outcome}}"),),
        ),
        Panel(
            "Commits of unknown fate",
            "Commits a second whose answer was lost. Done and undone: found out and answered so. Open: the asker was "
            "told that nobody knows, and settles it by sending the same again.",
            "cps",
            (Query("sum by (outcome) (rate(registration_commits_unknown_total[$__rate_interval]))", "{{outcome}}"),),
        ),
        Panel(
            "Switches",
            "Settings that are on. synthetic_people must be off on a real night: people who do not exist are accepted.",
            "none", (Query(f"max {WITHOUT} (registration_switch_on)", "{{switch}}"),), "states",
            states={"0": ("off", "gray"), "1": ("on", "blue")}, limits=((None, "gray"), (1, "blue")),
        ),
    ),
)  # fmt: skip

LAUNCH_NIGHT = Dashboard(
    uid="launchnight-night",
    title="Launch night",
    description="Are people getting through, and if not, where are they stuck? Each row answers one question.",
    rows=(WELL, DOOR, ANSWERS, OVERLOAD, QUEUES, PARTNERS, PHOTOS, GRANTS, COUNTS, DESK, PROCESSES),
    since="now-1h",
    refresh="5s",
    one_run=False,
)
