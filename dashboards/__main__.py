"""`python -m dashboards` writes the dashboards anew; their JSON is committed, and a test compares."""

from pathlib import Path

from dashboards.frame import to_json
from dashboards.launch_night import LAUNCH_NIGHT
from dashboards.one_run import ONE_RUN

FOLDER = Path(__file__).parent / "grafana"
ALL = (LAUNCH_NIGHT, ONE_RUN)


def texts() -> dict[Path, str]:
    """Path -> JSON of each dashboard."""
    return {
        FOLDER / f"{board.uid}.json": to_json(board, tuple(other for other in ALL if other is not board))
        for board in ALL
    }


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text)
