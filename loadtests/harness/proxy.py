"""nginx in front of several web processes: the template of the containers, filled in for loopback."""

import os
import re
import shutil
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.harness.errors import NotReady, Refusal
from loadtests.harness.http_json import Unanswered, ask
from loadtests.harness.processes import LOOPBACK, ROOT, Child, free_ports, python

TEMPLATE = ROOT / "service" / "proxy" / "nginx.conf.template"
VARIABLE = re.compile(r"\$\{(PROXY_[A-Z_]+)\}")
"""What the official image replaces too, with NGINX_ENVSUBST_FILTER=^PROXY_; nginx's own variables stay."""
MISSING = "no nginx on the PATH or in /usr/sbin: apt-get install nginx-light, or leave --proxy out"
SYSTEM_PROGRAMS = "/usr/sbin"
"""Where Debian puts it, which is not on everybody's PATH."""

NOBODY = 65534
UPLOAD_LIMIT = "9m"
"""Above the 8 MiB of REGISTRATION_PHOTO_MAX_BYTES, which a rehearsal leaves at its default."""
UP_WITHIN = 20.0
ASK_EVERY = 0.1


def executable() -> str | None:
    """The path of nginx, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path=SYSTEM_PROGRAMS)


def rendered(variables: dict[str, str]) -> str:
    """The configuration. Raises KeyError with the name of a variable that the template wants and is not given."""
    return VARIABLE.sub(lambda found: variables[found[1]], TEMPLATE.read_text())


def launch(folder: Path, ports: list[int], *, logs: Path, log_level: str = "warn") -> Child:
    """Start nginx on a free port before the web processes at `ports`; all its files lie in `folder`.

    log_level: of its log; below `crit` it names who asked, which is for rehearsals alone.
    Root starts it as nobody, where nobody can reach the folder. Raises Refusal when there is no nginx.
    """
    program = executable()
    if program is None:
        raise Refusal(MISSING)
    folder.mkdir(parents=True)
    port = free_ports(1)
    servers = " ".join(f"server {LOOPBACK}:{each} max_fails=0;" for each in ports)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        rendered(
            {
                "PROXY_LISTEN": f"{LOOPBACK}:{port}",
                "PROXY_SERVERS": servers,
                "PROXY_UPLOAD_LIMIT": UPLOAD_LIMIT,
                "PROXY_LOG_LEVEL": log_level,
                "PROXY_WORKERS": "1",
                "PROXY_WORK": str(folder),
            }
        )
    )
    command = [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    leash = ["-m", "loadtests.harness.leash"]
    if os.geteuid() == 0:
        if _open_to_all(folder.parent):
            os.chown(folder, NOBODY, NOBODY)
            leash += ["--user", str(NOBODY)]
        else:
            command += ["-g", "user root;"]  # its processes could not reach their files as nobody
    return _started(python(*leash, *command), port, logs)


def launch_again(child: Child) -> Child:
    """Start nginx once more as it was, at the same port."""
    return _started(child.command, int(child.ready["port"]), child.log.parent)


def _started(command: Sequence[str], port: int, logs: Path) -> Child:
    child = Child("proxy", command, settings={}, logs=logs)
    child.ready = {"ready": True, "role": "proxy", "host": LOOPBACK, "port": port}
    return child


def listens(child: Child) -> bool:
    """Whether nginx takes connections."""
    try:
        socket.create_connection((LOOPBACK, int(child.ready["port"])), timeout=1.0).close()
    except OSError:
        return False
    return child.code is None


def await_answer(child: Child) -> None:
    """Return when the service answers through the proxy. Raises NotReady."""
    deadline = time.monotonic() + UP_WITHIN
    while True:
        try:
            ask("GET", f"{child.url}/health/ready", timeout=5)
            return
        except Unanswered as fault:
            if child.code is not None:
                raise child.failure() from None
            if time.monotonic() > deadline:
                raise NotReady(
                    f"the proxy did not come up within {UP_WITHIN:g} s: {fault} (its log: {child.log})"
                ) from None
        time.sleep(ASK_EVERY)


def _open_to_all(folder: Path) -> bool:
    """Whether everybody may pass through `folder` and all above it."""
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))
