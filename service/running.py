"""How a process of the service runs: what its folder keeps, its listener, its metrics, its end.

Imports of everything heavy stand inside the functions: `--help` needs none of it.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.metrics import Metrics
    from service.settings import Settings

KEY_FILE = "secret-key"
SWITCH_S = 0.0005
"""How long the event loop waits for another thread of Python, as for the one that writes the metrics: a loop gives the
interpreter away at each look for what has come, and would wait Python's 5 ms each time to have it back."""

Work = Callable[
    ["Settings", "Metrics", asyncio.Event, socket.socket | None, Callable[[], None]],
    Awaitable[None],
]
"""What a role does until the event is set; it calls the last argument when it is at work."""


class UsageError(Exception):
    """The service cannot start as asked; the text names the fix."""


@contextmanager
def home(data: Path, variables: dict[str, str]) -> Iterator[None]:
    """Complete `variables` with what `--data` keeps: key, photos and, without DATABASE_URL, an embedded database.

    Raises UsageError when the folder cannot be used.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        if "REGISTRATION_SECRET_KEY" not in variables and "REGISTRATION_SECRET_KEY_FILE" not in variables:
            variables["REGISTRATION_SECRET_KEY"] = _kept_key(data / KEY_FILE)
    except OSError as error:
        raise UsageError(f"cannot write to {data}: {error.strerror}; choose another folder with --data") from None
    variables.setdefault("REGISTRATION_PHOTO_DIR", str(data / "photos"))
    if "DATABASE_URL" in variables or "DATABASE_URL_FILE" in variables:
        yield
        return
    from service.storage import embedded
    from service.storage.embedded_folders import EmbeddedDatabaseError

    try:
        server = embedded.start(data / "database")
    except EmbeddedDatabaseError as error:
        raise UsageError(str(error)) from None
    try:
        variables["DATABASE_URL"] = server.local_url
        yield
    finally:
        server.stop()


def _kept_key(path: Path) -> str:
    """The key of this folder; made at the first start and readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_hex(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")
    return key


def run(verb: str, settings: "Settings", lifeline: bool, work: "Work", listener: socket.socket | None = None) -> int:
    """Do the role's work until a signal or the lifeline's end; returns the exit code. The listener is closed then.

    Raises UsageError.
    """
    import uvloop

    from service import metrics
    from service.metrics_target import announced
    from service.web import logs

    logs.configure()
    sys.setswitchinterval(SWITCH_S)
    instruments = metrics.Metrics(detail=settings.metrics_detail)
    with ExitStack() as stack:
        host, port = None, None
        if listener is not None:
            stack.callback(listener.close)
            host, port = listener.getsockname()[:2]
        try:
            metrics_port, close_metrics = metrics.serve(instruments, settings.metrics_host, settings.metrics_port)
        except OSError as error:
            text = _port_taken(settings.metrics_host, settings.metrics_port, "REGISTRATION_METRICS_PORT", error)
            raise UsageError(text) from None
        stack.callback(close_metrics)
        try:
            stack.enter_context(announced(settings.metrics_targets, verb, settings.metrics_host, metrics_port))
        except OSError as error:
            text = f"cannot write to {settings.metrics_targets}: {error.strerror}; change REGISTRATION_METRICS_TARGETS"
            raise UsageError(text) from None

        def ready() -> None:
            line = {"ready": True, "role": verb, "host": host, "port": port, "metrics_port": metrics_port}
            print(json.dumps(line), flush=True)

        async def until_stopped() -> None:
            stop = asyncio.Event()
            _stop_on_signals(stop)
            if lifeline:
                _stop_on_lifeline(stop)
            await work(settings, instruments, stop, listener, ready)

        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(until_stopped())
        except OSError as error:
            raise UsageError(f"cannot use {error.filename or settings.photo_dir}: {error.strerror}") from None
    return 0


def listen(host: str, port: int, option: str) -> socket.socket:
    """The bound public listener. Raises UsageError when the port is taken or none; `option` names what to change."""
    if not 0 <= port <= 65535:
        raise UsageError(f"{option} is a port, 0 to 65535; {port} is none")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(_port_taken(host, port, option, error)) from None
    return listener


def _port_taken(host: str, port: int, setting: str, error: OSError) -> str:
    return f"cannot listen on {host}:{port}: {error.strerror}; choose another port with {setting} (0 takes a free one)"


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def _stop_on_lifeline(stop: asyncio.Event) -> None:
    """Set `stop` when standard input closes: whoever started us is gone, however it ended."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        try:
            loop.call_soon_threadsafe(stop.set)
        except RuntimeError:
            pass  # the loop has ended already

    threading.Thread(target=wait, daemon=True).start()
