"""`launchnight serve`: the service in one process, with the simulated partners beside it, until Ctrl-C."""

import errno
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from loadtests.harness.errors import Exit, NotReady, Refusal
from loadtests.harness.processes import Child, python
from loadtests.harness.signals import Interrupted, Signals

FOLDER = Path(".launchnight") / "serve"
READY_WITHIN = 150.0
STOP_GRACE = 25.0
LOOPBACK = "127.0.0.1"
MOST_PORT = 65535
LOOK_EVERY = 0.5


def serve(*, port: str, partners_port: str | None, folder: Path = FOLDER) -> int:
    """Serve until a signal; returns the exit code. partners_port: None = no partners beside it.

    Raises Refusal, with every fault of the ports, or NotReady when a program does not come up.
    """
    host = os.environ.get("REGISTRATION_HOST", LOOPBACK)
    check_ports([("--port", host, port), *([("--partners-port", LOOPBACK, partners_port)] if partners_port else [])])
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"{folder} cannot be made ({error.strerror}): start where you may write") from None
    chosen = {name: value for name, value in os.environ.items() if name.startswith("REGISTRATION_")}
    settings = {
        "REGISTRATION_SYNTHETIC_PEOPLE": "on",  # without it the simulated registry knows nobody
        **chosen,
        "REGISTRATION_PORT": port,
    }
    children: list[Child] = []
    with Signals() as signals, ExitStack() as ending:
        ending.callback(_stop, children)
        try:
            inbox = "wherever the partners keep them"
            if partners_port is not None:
                partners = _start(
                    "partners", ["-m", "scenarios.partners", "--port", partners_port], {}, folder, children
                )
                settings["REGISTRATION_PARTNERS_URL"] = partners.url
                inbox = f"{partners.url}/inbox/ADDRESS (a phone such as +6280000000001, or an e-mail address)"
            service = _start("service", ["-m", "service", "all", "--data", str(folder)], settings, folder, children)
            print(f"the registration answers at {service.url} ({service.url}/openapi.json describes it)")
            print(f"messages it sends can be read at {inbox}")
            print("Ctrl-C ends it; the data stay in " + str(folder), flush=True)
            signals.gentle = True
            while not signals.wait(LOOK_EVERY):
                for child in children:
                    if child.code is not None:
                        raise NotReady(f"{child.role} ended with code {child.code}; its log: {child.log}")
        except Interrupted:
            pass
    return Exit.OK


def check_ports(wanted: Sequence[tuple[str, str, str]]) -> None:
    """Raise Refusal with everything that is wrong with these options: (option, host, its port as given)."""
    faults: list[str] = []
    owners: dict[int, str] = {}
    for option, host, text in wanted:
        port = int(text) if text.isascii() and text.isdecimal() else -1
        if not 0 <= port <= MOST_PORT:
            faults.append(f"{option}: must be a whole number from 0 to {MOST_PORT}, not {text!r}")
        elif port and port in owners:
            faults.append(f"{option}: port {port} is that of {owners[port]} already: name another")
        elif port:
            owners[port] = option
            faults += _taken(option, host, port)
    if faults:
        raise Refusal(*faults)


def _taken(option: str, host: str, port: int) -> list[str]:
    """Why the port cannot be listened on, in no or one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        return [f"{option}: port {port} on {host} {why}: name another with {option}, or 0 for any that is free"]
    return []


def _start(role: str, command: list[str], settings: dict[str, str], folder: Path, children: list[Child]) -> Child:
    print(f"starting the {role}...", file=sys.stderr)
    child = Child(role, python(*command, "--lifeline"), settings=settings, logs=folder)
    children.append(child)
    child.wait_ready(READY_WITHIN)
    return child


def _stop(children: list[Child]) -> None:
    for child in reversed(children):
        child.stop(grace=STOP_GRACE)
