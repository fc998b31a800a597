"""The row about grants: whether people hear what the draw came to, and get their money."""

from dashboards.frame import Row
from dashboards.panels import WITHOUT, Panel, Query, limits

GRANTS = Row(
    "Do people hear of the draw, and get their money?",
    (
        Panel(
            "Oldest message about a draw",
            "Messages are written some minutes ahead of the gateway. Older ones mean that it does not take them.", "s",
            (Query(f'max {WITHOUT} (registration_queue_oldest_age_seconds{{queue="announcement"}})', "oldest"),),
            limits=limits(900, 1800),
        ),
        Panel(
            "Oldest payout",
            "Payouts and questions about accounts. What waits for an account of its person does not stand here.", "s",
            (Query(f'max {WITHOUT} (registration_queue_oldest_age_seconds{{queue="payout"}})', "oldest"),),
            limits=limits(10800, 21600),
        ),
        Panel(
            "People told and paid",
            "People a second who were told that they are chosen, who chose a first course; and payouts.", "cps",
            (
                Query('sum(rate(registration_stage_total{stage="notified"}[$__rate_interval]))', "told"),
                Query('sum(rate(registration_stage_total{stage="training_chosen"}[$__rate_interval]))', "chose"),
                Query('sum(rate(registration_stage_total{stage="paid"}[$__rate_interval]))', "payouts"),
            ),
        ),
    ),
)  # fmt: skip
