"""Run in a process of its own, because Locust changes the standard library: what we rely on inside Locust, as JSON."""

import json
import sys
from typing import Any

import gevent
import locust
from locust import runners
from locust.env import Environment
from locust.rpc import Message
from locust.web import WebUI

from loadtests.web_tabs import STATISTICS


class Nobody(locust.User):
    @locust.task
    def nothing(self) -> None:
        raise locust.exception.StopUser


class CountingLocalRunner(runners.LocalRunner):
    @property
    def user_count(self) -> int:
        return 42


class Shape(locust.LoadTestShape):
    """Asks for the same crowd three times, then for the end."""

    ticks = 0

    def tick(self) -> tuple[int, float] | None:
        self.ticks += 1
        return None if self.ticks > 3 else (1, 1)


def shaped() -> dict[str, Any]:
    """How often a shape that does not change is asked, how often it starts something, and whether its None ends it."""
    environment = Environment(user_classes=[Nobody], shape_class=Shape())
    runner: Any = environment.create_local_runner()
    starts: list[tuple[int, float]] = []
    start = runner.start

    def noted(user_count: int, spawn_rate: float, **rest: Any) -> None:
        starts.append((user_count, spawn_rate))
        start(user_count=user_count, spawn_rate=spawn_rate, **rest)

    runner.start = noted
    stopped: list[str] = []
    environment.events.test_stopping.add_listener(lambda **_: stopped.append("stopping"))
    runner.start_shape()
    with gevent.Timeout(30):
        runner.shape_greenlet.join()
    shape: Any = environment.shape_class
    return {"ticks": shape.ticks, "starts": starts, "stopped": stopped, "knows_runner": shape.runner is runner}


def web_ui() -> dict[str, Any]:
    """Where our tabs take hold: the view that its page asks for rows, and the facts that the page begins with."""
    environment = Environment(user_classes=[Nobody])
    environment.create_local_runner()
    ui: Any = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
    ui.template_args |= {"extended_tabs": ["ours"]}
    ui.update_template_args()
    page = ui.app.test_client().get("/").get_data(as_text=True)
    return {
        "views": STATISTICS in ui.app.view_functions,
        "kept": ui.template_args["extended_tabs"],
        "in_page": '"extended_tabs"' in page,
        "blueprint": "locust" in ui.app.blueprints,
    }


def last_word() -> int:
    """Listeners run in the order in which they were added, so ours, added in `init`, overrides the runner's own."""
    environment = Environment(user_classes=[Nobody])
    environment.events.report_to_master.add_listener(lambda data, **_: data.update(user_count=1))
    environment.events.report_to_master.add_listener(lambda data, **_: data.update(user_count=2))
    data: dict[str, int] = {}
    environment.events.report_to_master.fire(client_id="w", data=data)
    return data["user_count"]


def main() -> None:
    environment = Environment(user_classes=[Nobody])
    runner = environment.create_local_runner()
    heard: list[Any] = []
    runner.register_message("crowd_plan", lambda environment, msg, **_: heard.append((msg.type, msg.data, msg.node_id)))
    runner.send_message("crowd_plan", {"a": b"bytes"})
    entry: Any = environment.stats
    entry.log_request("GET", "place", 12.5, 100)
    entry.log_error("GET", "place", "status 500")
    runner.__class__ = CountingLocalRunner
    round_trip = Message.unserialize(Message("crowd_ledger", {"people": b"\x00\xff", "n": 2.5}, "w").serialize())
    print(
        json.dumps(
            {
                "version": locust.__version__,
                "to_self": [heard[0][0], heard[0][1]["a"].decode(), heard[0][2]],
                "requests": [entry.total.num_requests, entry.get("place", "GET").num_requests, entry.num_failures],
                "user_count": runner.user_count,
                "messages_carry_bytes": round_trip.data == {"people": b"\x00\xff", "n": 2.5},
                "last_word": last_word(),
                "own_report": "report_to_master" in runners.WorkerRunner.__init__.__code__.co_names,
                "stats_at_once": list(runners.WorkerRunner._send_stats.__code__.co_names),
                "missing": runners.STATE_MISSING,
                "heartbeats": [runners.HEARTBEAT_INTERVAL, runners.HEARTBEAT_LIVENESS, runners.WORKER_REPORT_INTERVAL],
                "shape": shaped(),
                "web_ui": web_ui(),
                "clients": list(runners.WorkerNodes().all),
                "exit_code": environment.process_exit_code,
            }
        )
    )
    runner.quit()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
