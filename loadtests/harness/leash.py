"""Runs a command that knows no lifeline, and ends it when standard input closes.

`python -m loadtests.harness.leash [--user ID] COMMAND...`: standard input is the harness's end of a pipe, so the
command ends with the harness even when that is killed. Ends as the command did: with its code, or by its signal; 127
when there is no such command. --user: the command runs as this user and group, and in no other; only root can ask.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL: Prometheus flushes a few MB."""


def main(arguments: list[str]) -> int:
    command, user = arguments, None
    if arguments[:1] == ["--user"]:
        user, command = int(arguments[1]), arguments[2:]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, user=user, group=user, extra_groups=None if user is None else []
        )
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _end(child))
    code = child.wait()
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL needs none
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _end_with_input(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):
        pass
    _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    timer = threading.Timer(GRACE, child.kill)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
