"""The row about people behind desks: whether complaints are answered in time, and whether the staff can sign in."""

from dashboards.frame import Row
from dashboards.panels import Panel, Query, limits

DESK = Row(
    "Are people heard, and can the staff sign in?",
    (
        Panel(
            "Open complaints",
            "Complaints that nobody has answered, by the promise on their page: fresh in its first half, due in its "
            "second, late after it.",
            "locale", (Query("max by (age) (registration_complaints_open)", "{{age}}"),), "stacked", decimals=0,
        ),
        Panel(
            "Oldest complaint", "Age of the oldest complaint that nobody has answered, and the promise.", "s",
            (
                Query("max(registration_complaints_oldest_age_seconds)", "oldest"),
                Query("max(registration_complaints_promise_seconds)", "promise"),
            ),
        ),
        Panel(
            "Sign-ins refused",
            "Sign-ins of the staff that were refused a second. password, address: somebody guesses, and is told to "
            "wait. busy: so many do that operators are kept out.",
            "ops",
            (Query("sum by (reason) (rate(registration_staff_sign_ins_refused_total[$__rate_interval]))",
                   "{{reason}}"),),
            limits=limits(1, 5),
        ),
    ),
)  # fmt: skip
