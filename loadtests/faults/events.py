"""What happened, as JSON lines."""

import json
import sys
import time
from pathlib import Path


class EventLog:
    """Writes each event as one line: `at` (unix seconds), `t` (seconds since the start, a clock that never jumps).

    A line is one write to the page cache, about 10 microseconds, so it is written where it happens. A full disk must
    not end anybody's connection: lines that could not be written, or not whole, are counted in `lost`.
    """

    def __init__(self, file: Path | None) -> None:
        """file: None = nothing is kept. Raises OSError when it cannot be written."""
        self._file = None if file is None else file.open("ab", buffering=0)
        self._start = time.monotonic()
        self.lost = 0

    def write(self, event: str, **facts: object) -> None:
        if self._file is None:
            return
        moment = {"at": round(time.time(), 6), "t": round(time.monotonic() - self._start, 6)}
        line = (json.dumps({**moment, "event": event, **facts}) + "\n").encode()
        try:
            written = self._file.write(line)
        except OSError:
            written = 0
        if written != len(line):
            if not self.lost:
                print("events are being lost: is the disk full?", file=sys.stderr)
            self.lost += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
