"""Plays trials: `python -m scenarios.simulation.planning.worker`, one JSON line in, one out, until its input ends.

The first line is the order. Whatever ends the parent closes the input, and this process ends at once, even in the
middle of a night.
"""

import base64
import json
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

import numpy as np

from scenarios.fates import Fate
from scenarios.simulation import invariants
from scenarios.simulation.figures import NotSimulated
from scenarios.simulation.planning.band import bands
from scenarios.simulation.planning.order import Order
from scenarios.simulation.planning.outcome import outcome
from scenarios.simulation.planning.trials import Trial
from scenarios.simulation.run import simulate


def played(order: Order, trial: Trial) -> dict[str, Any]:
    """What is kept of a trial, as JSON values: its outcome, and what was looked at closely. Raises NotSimulated."""
    began = time.process_time()
    setup = order.setup(trial)
    result = simulate(setup, order.due_us(trial.seed))
    cpu_s = time.process_time() - began
    end_s = None if trial.trigger is None else trial.trigger.start_s + trial.trigger.length_s
    broken = invariants.violations(result)
    found: dict[str, Any] = {
        "outcome": outcome(result, setup, broken=broken, cpu_s=cpu_s, trigger_end_s=end_s).to_dict()
    }
    if trial.closely:
        joined = np.packbits(result.rows["fate"] == Fate.JOINED)
        found["joined"] = base64.b64encode(joined.tobytes()).decode()
        found["bands"] = [band.to_dict() for band in bands(result, setup)]
        found["remarks"] = list(result.remarks)
    return found


def main() -> None:
    """Until the input ends."""
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    order = Order.from_dict(json.loads(lines.get()))
    while True:
        trial = Trial.from_dict(json.loads(lines.get()))
        try:
            reply = played(order, trial)
        except NotSimulated as fault:
            reply = {"not_simulated": str(fault)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def _read(lines: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
