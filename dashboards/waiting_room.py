"""The row about the waiting room: who waits, how fast they are let in, and what the gate goes by."""

from dashboards.frame import Row
from dashboards.panels import WITHOUT, Panel, Query, limits

DOOR = Row(
    "Who waits outside, and how fast are they let in?",
    (
        Panel(
            "People in line", "Tickets given out minus tickets invited.", "locale",
            (Query("run:registration_waiting_room_line:people", "in line"),), decimals=0,
        ),
        Panel(
            "The gate",
            "Tickets drawn, people invited and people let in, a second. The rate is what the gate may let in: more are "
            "invited, as not everybody comes, and let in lies on the rate while people wait.",
            "cps",
            (
                Query(f"max {WITHOUT} (registration_waiting_room_rate_people_per_second)", "rate"),
                Query('sum(rate(registration_stage_total{stage="ticketed"}[$__rate_interval]))', "tickets drawn"),
                Query(f"max {WITHOUT} (deriv(registration_waiting_room_frontier[$__rate_interval]))", "invited"),
                Query(f"max {WITHOUT} (deriv(registration_waiting_room_admitted_people[$__rate_interval]))", "let in"),
                Query('sum(rate(registration_stage_total{stage="admitted"}[$__rate_interval]))', "told so"),
            ),
        ),
        Panel(
            "Wait of the last in line", "People in line divided by the rate: what whoever comes now is told.", "s",
            (Query("run:registration_waiting_room_wait:seconds", "wait"),), limits=limits(1800, 3600),
        ),
        Panel(
            "Who waits at the gate",
            "Invited people who claimed and are let in next, in order of place: about a second of the rate. Nobody "
            "there while people are in line: too few are invited. Far more: many came back at once.",
            "locale",
            (
                Query(f"max {WITHOUT} (registration_waiting_room_pending_people)", "wait at the gate"),
                Query(
                    f"max {WITHOUT} (registration_waiting_room_granted_people) "
                    f"- max {WITHOUT} (registration_waiting_room_admitted_people)",
                    "granted and not taken",
                ),
            ),
            decimals=0,
        ),
        Panel(
            "What the stages bear",
            "What people bear at each stage behind the gate, as a multiple of what its objective allows. Beyond half "
            "of it the rate rises no more, beyond 1 it is cut. Of identity: the time its queue takes, as a share of "
            "the time until the wave closes.",
            "none",
            (Query(f"max {WITHOUT} (registration_waiting_room_strain_ratio)", "{{stage}}"),),
            limits=limits(0.5, 1),
        ),
        Panel(
            "What bounds the rate",
            "The stage that cut the rate last; none when it is at its limit. Blind: nobody tells of the stages, and "
            "the rate is held.",
            "none",
            (
                Query(f"max {WITHOUT} (registration_waiting_room_bound)", "{{stage}}"),
                Query("max(registration_waiting_room_blind)", "blind"),
            ),
            "states", limits=((None, "green"), (1, "orange")),
            states={"0": ("free", "green"), "1": ("bounds", "orange")},
        ),
        Panel(
            "Standstill",
            "How long live people have waited while nobody came in although the gate is open. Short ones belong to a "
            "new leader.",
            "s", (Query("max(registration_waiting_room_standstill_seconds)", "nobody comes in"),),
            limits=limits(5, 10),
        ),
        Panel(
            "Live people in line",
            "Tickets in line whose holders looked lately, and all of them. Only live people count as ahead.",
            "locale",
            (
                Query(f"max {WITHOUT} (registration_waiting_room_live_people)", "live"),
                Query("run:registration_waiting_room_line:people", "in line"),
            ),
            decimals=0,
        ),
        Panel(
            "Promised waits",
            "People let in a second, by how the first range of waiting time that they were shown held: three quarters "
            "or more should be inside.",
            "cps",
            (Query("sum by (outcome) (rate(registration_waiting_room_promises_total[$__rate_interval]))",
                   "{{outcome}}"),),
            "stacked",
        ),
        Panel(
            "Invited who come", "Share of the invited tickets whose holders claim; the gatekeeper invites accordingly.",
            "percentunit", (Query(f"max {WITHOUT} (registration_waiting_room_show_share)", "share"),), decimals=0,
        ),
        Panel(
            "People inside", "Let in within the life of a pass, half an hour, and a minute of leeway. With a cap "
            "(`REGISTRATION_INSIDE_LIMIT`) nobody else is let in while it is reached.",
            "locale", (Query(f"max {WITHOUT} (registration_waiting_room_inside_people)", "inside"),), decimals=0,
        ),
    ),
)  # fmt: skip
