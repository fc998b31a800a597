"""The row about the public counts of people."""

from dashboards.frame import Row
from dashboards.panels import Panel, Query, limits

COUNTS = Row(
    "Are the public counts fresh?",
    (
        Panel(
            "Age of the counts",
            "Whatever people did longer ago than this is in the public counts. They promise a minute.", "s",
            (Query("time() - max(registration_counts_as_of_timestamp_seconds > 0)", "age"),),
            width=12, limits=limits(20, 60),
        ),
        Panel(
            "Changes counted", "Changes of people a second that are taken into the public counts: some twelve for each "
            "person who comes the whole way.",
            "cps", (Query("sum(rate(registration_counts_changes_total[$__rate_interval]))", "changes"),), width=12,
        ),
    ),
)  # fmt: skip
