"""Run in a process of its own, because Locust changes the standard library: what we rely on inside Locust, as JSON."""

import json
import sys
from typing import Any

import locust
from locust import runners
from locust.env import Environment
from locust.rpc import Message


class Nobody(locust.User):
    @locust.task
    def nothing(self) -> None:
        raise locust.exception.StopUser


class CountingLocalRunner(runners.LocalRunner):
    @property
    def user_count(self) -> int:
        return 42


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
                "missing": runners.STATE_MISSING,
                "clients": list(runners.WorkerNodes().all),
                "exit_code": environment.process_exit_code,
            }
        )
    )
    runner.quit()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
