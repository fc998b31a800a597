"""`python -m loadtests.harness.answers URL`: 0 when it answers with success, else 1 with the reason.

For the health checks of containers, which have no curl.
"""

import sys

from loadtests.harness.http_json import Unanswered, ask

WITHIN = 4.0


def main(url: str) -> int:
    try:
        ask("GET", url, timeout=WITHIN)
    except Unanswered as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
