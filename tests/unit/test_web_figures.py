"""What a web replica tells the gatekeeper of itself."""

from service.metrics import Metrics
from service.web.figures import counts


def test_a_full_queue_is_told_of_the_queue_and_not_of_the_steps() -> None:
    metrics = Metrics()
    metrics.http_requests.labels("step", "503").inc(9)
    metrics.queue_jobs.labels("identity", "refused").inc(7)
    told = counts(metrics)
    assert told["steps"].refused == 2
    assert {name: told[f"{name}_full"].refused for name in ("email", "sms", "identity")} == {
        "email": 0, "sms": 0, "identity": 7,
    }  # fmt: skip
