"""Memory that is freed stays where the next upload needs it."""

import subprocess
import sys

FAULTS = """
import resource, sys
from service.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        parts = [bytearray(300_000), bytearray(300_000)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults()
print(faults())
"""


def _faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_photos_do_not_fault_their_pages_in_again():
    """The control: without it, every buffer of a photo's size is new to the process."""
    assert _faults("kept") < 2_000 < _faults("given back")
