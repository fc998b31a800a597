"""The upload servers that cases and clients talk to: ours on either store, and others beside it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from loadtests.harness.processes import Child
from tests.benchmarks import uploads_rivals
from tests.s3_server import CREDENTIALS, S3Server
from tests.uploads.conformance.speaker import Speaker

MOST_BYTES = 1_000_000
"""The largest upload that every server is told to allow."""
BRIEFLY = 1
"""Seconds an upload lives on a server for the case that waits for its end."""
_STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Program:
    """command: gets a folder of its own for data. brief: what makes its uploads live briefly.

    shows_by_get: whether GET tells what an upload holds; else it lies in the folder by the upload's name.
    """

    name: str
    command: Callable[[Path], Sequence[str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    brief: Mapping[str, str] = field(default_factory=dict)
    shows_by_get: bool = True


def ours(name: str, *, most_bytes: int | None = MOST_BYTES, s3: S3Server | None = None) -> Program:
    """`launchnight uploads`, with a database of its own unless one is given."""

    def command(folder: Path) -> list[str]:
        options = ["--host", "127.0.0.1", "--port", "0", "--base-path", "/files/", "--data", str(folder), "--lifeline"]
        if most_bytes is not None:
            options += ["--max-size", str(most_bytes)]
        if s3 is not None:
            options += ["--s3", s3.url(folder.name)]
        return [sys.executable, "-m", "service", "uploads", *options]

    # A busy machine may turn requests away, which is right and no matter of the protocol.
    settings = {**CREDENTIALS, "REGISTRATION_OVERLOAD_LIMIT": "off"}
    return Program(name, command, settings, {"REGISTRATION_UPLOAD_LIFETIME": str(BRIEFLY)})


def tus_server() -> Program:
    limit = {"MOST_BYTES": str(MOST_BYTES)}
    # Without a lifetime its uploads do not expire, and it does not say so: a day is as good as ours.
    return Program(
        "@tus/server",
        uploads_rivals.tus_server,
        {**limit, "LIFETIME_MS": str(86_400_000)},
        {"LIFETIME_MS": str(BRIEFLY * 1000)},
    )


def tuspyserver() -> Program:
    limit, brief = {"MOST_BYTES": str(MOST_BYTES)}, {"LIFETIME_MS": str(BRIEFLY * 1000)}
    return Program("tuspyserver", uploads_rivals.tuspyserver, limit, brief, shows_by_get=False)


class Server:
    """A program that runs while the block does, and its twin whose uploads live briefly."""

    def __init__(self, program: Program, folder: Path, *, with_twin: bool = True) -> None:
        self.program = program
        self._folder = folder
        self._with_twin = with_twin
        self._running = ExitStack()
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        try:
            self._children = [self._started("server", {})]
            if self._with_twin:
                self._children.append(self._started("twin", self.program.brief))
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def child(self) -> Child:
        return self._children[0]

    @property
    def url(self) -> str:
        """Where uploads are created."""
        return f"{self.child.url}/files/"

    @property
    def speaker(self) -> Speaker:
        twin = f"{self._children[1].url}/files/" if self._with_twin else None
        folder = None if self.program.shows_by_get else self._folder / "server"
        return Speaker(self.url, MOST_BYTES, twin, folder)

    @property
    def ended(self) -> bool:
        return any(child.code is not None for child in self._children)

    def ends_within(self, seconds: float) -> bool:
        """Whether the server that cases talk to ends of itself."""
        return self.child.ended_within(seconds)

    def restart(self) -> None:
        self._running.close()
        self.__enter__()

    def _started(self, role: str, settings: Mapping[str, str]) -> Child:
        data = self._folder / role
        data.mkdir(parents=True, exist_ok=True)
        command = self.program.command(data)
        child = Child(role, command, settings={**self.program.settings, **settings}, logs=self._folder)
        self._running.callback(child.stop, grace=20)
        child.wait_ready(_STARTS_WITHIN)
        return child
