"""Stock Locust against a target that stands still, as its documentation has a constant rate: a locustfile.

A hundred users, each of whom asks once a second. It writes how long each request took, in the order of their ends.
"""

import json
import os
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_pacing, events, task

TOOK: list[float] = []


class Asker(FastHttpUser):
    wait_time = constant_pacing(1.0)

    @task
    def ask(self) -> None:
        self.client.post("/tickets", json={})


def note(response_time: float, **_: Any) -> None:
    TOOK.append(response_time / 1e3)


def write(**_: Any) -> None:
    Path(os.environ["OMISSION_TOOK"]).write_text(json.dumps(TOOK))


listeners: Any = events  # Locust's own types say nothing about listeners
listeners.request.add_listener(note)
listeners.quitting.add_listener(write)
