"""Runs a command that knows no lifeline, and ends it when standard input closes.

`python -m loadtests.harness.leash COMMAND...`: standard input is the harness's end of a pipe, so the command ends with
the harness even when that is killed. Exits with the command's code; 127 when there is no such command.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL: Prometheus flushes a few MB."""


def main(command: list[str]) -> int:
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: _end(child))
    return child.wait()


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
