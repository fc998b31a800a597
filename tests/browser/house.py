"""The registration as applicants meet it: the service and the simulated partners as processes of their own."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from loadtests.harness.processes import Child, python
from service.storage import embedded

PATIENCE = 30.0
_READY_WITHIN = 60.0
_LOOK_EVERY = 0.05
_AT_ONCE = {"delay_median_s": 0.05, "delay_sigma": 0.0, "loss": 0.0}
ANSWERS_AT_ONCE = {"latency_median_s": 0.05, "latency_p99_s": 0.05, "error_ratio": 0.0}
ANSWERS_SLOWLY = {"latency_median_s": 4.0, "latency_p99_s": 4.0}


@dataclass(frozen=True)
class House:
    url: str
    partners_url: str
    data: Path
    """Of the service: database, key and photos."""
    process: int

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The service takes connections and answers nothing, as when it or the network is overwhelmed."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def address(self, slug: str, language: str = "id") -> str:
        return f"{self.url}/daftar/{'en/' if language == 'en' else ''}{slug}"

    def photos(self) -> list[Path]:
        """The files that hold photos."""
        return [path for path in (self.data / "photos").rglob("*") if path.is_file()]

    def set_partners(self, **figures: dict[str, float]) -> None:
        """Change what the partners can do: `sms={"loss": 1.0}`."""
        body = json.dumps(figures).encode()
        with urlopen(Request(f"{self.partners_url}/settings", body, method="PATCH")) as answer:
            assert answer.status == 200

    def messages(self, address: str) -> list[str]:
        """What stands in the inbox of a phone or an e-mail address, oldest first."""
        with urlopen(f"{self.partners_url}/inbox/{address}") as answer:
            return [message["text"] for message in json.load(answer)["messages"]]

    def newest_code(self, address: str, *, after: int = 0) -> str:
        """The code in the last message, once there are more than `after`."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.messages(address)) <= after:
            assert time.monotonic() < deadline, f"no message at {address}"
            time.sleep(_LOOK_EVERY)
        code = re.search(r"\b[0-9]{6}\b", found[-1])
        assert code, found[-1]
        return code.group()

    def ask(self, path: str, key: str) -> dict[str, Any]:
        """POST without a body to the API."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        with urlopen(Request(self.url + path, b"{}", headers)) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def raised(folder: Path, data: Path, **settings: str) -> Iterator[House]:
    """A house with partners that deliver at once. folder: of the logs; data: of database, key and photos."""
    with ExitStack() as ending:
        partners = _started("partners", ["-m", "scenarios.partners"], {}, folder, ending)
        ending.callback(shutil.rmtree, data, ignore_errors=True)
        ending.callback(embedded.discard, data / "database")
        variables = {
            "REGISTRATION_PORT": "0",
            "REGISTRATION_PARTNERS_URL": partners.url,
            "REGISTRATION_SYNTHETIC_PEOPLE": "on",
            **{f"REGISTRATION_{name}": value for name, value in settings.items()},
        }
        service = _started("service", ["-m", "service", "all", "--data", str(data)], variables, folder, ending)
        house = House(service.url, partners.url, data, service.pid)
        house.set_partners(email=_AT_ONCE, sms=_AT_ONCE, civil_registry=ANSWERS_AT_ONCE)
        yield house


def _started(role: str, command: list[str], variables: dict[str, str], folder: Path, ending: ExitStack) -> Child:
    folder.mkdir(parents=True, exist_ok=True)
    child = Child(role, python(*command, "--lifeline"), settings=variables, logs=folder)
    ending.callback(child.stop, grace=25)
    child.wait_ready(_READY_WITHIN)
    return child
