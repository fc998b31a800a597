"""`python -m tests.benchmarks.run NAME`, which `make bench NAME=...` calls: rows on stdout, progress on stderr."""

import importlib
import sys
import time
from pathlib import Path

from loadtests.harness.errors import Exit, HarnessError


def names() -> list[str]:
    """Benchmarks there are: modules beside this one that have `rows()`."""
    folder = Path(__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef rows()" in path.read_text())


def main(arguments: list[str]) -> int:
    name = arguments[0].replace("-", "_") if len(arguments) == 1 else ""
    if name not in names():
        print(f"which benchmark? there are: {', '.join(names())}", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        for row in importlib.import_module(f"tests.benchmarks.{name}").rows():
            print(row.line(), flush=True)
    except HarnessError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
