"""What a web replica tells the gatekeeper of itself."""

from service.domain.errors import LaunchnightError, QueueFull
from service.metrics import Metrics
from service.web.figures import counts
from service.web.middleware import count_refusal


def test_a_full_queue_is_told_of_the_queue_and_not_of_the_steps() -> None:
    """Whoever posts a page meets the same queues, and is none of the steps: nothing is taken off these for her."""
    metrics = Metrics()
    metrics.http_requests.labels("step", "503").inc(9)
    metrics.http_requests.labels("page", "503").inc(5)
    refusals: list[tuple[LaunchnightError, str]] = [
        *[(QueueFull(queue="identity"), "step")] * 7, *[(QueueFull(queue="sms"), "page")] * 5,
    ]  # fmt: skip
    for error, kind in refusals:
        count_refusal(metrics, error, kind)
    told = counts(metrics)
    assert told["steps"].refused == 2
    assert {name: told[f"{name}_full"].refused for name in ("email", "sms", "identity")} == {
        "email": 0, "sms": 5, "identity": 7,
    }  # fmt: skip
