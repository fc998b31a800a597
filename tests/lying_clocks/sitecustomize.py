"""Clocks that go wrong, for the process whose PYTHONPATH begins with this folder: Python imports it at its start.

LYING_CLOCKS="1.05 monotonic time" lets these functions of `time` go 5 % fast from then on.
"""

import os
import time
from collections.abc import Callable


def _wrong(clock: Callable[[], float], rate: float) -> Callable[[], float]:
    began = clock()
    return lambda: began + rate * (clock() - began)


_rate, *_names = os.environ.get("LYING_CLOCKS", "1").split()
for _name in _names:
    setattr(time, _name, _wrong(getattr(time, _name), float(_rate)))
