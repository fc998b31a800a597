"""The table of the JSON API."""

from service.ports import Ports
from service.web import (
    accounts,
    announcement,
    assessment,
    codes,
    complaints,
    counts,
    health,
    identity,
    lottery,
    me,
    openapi,
    paper,
    profile,
    tickets,
    training,
    waves,
)
from service.web import board as board_resource
from service.web.board import BoardCopy
from service.web.operation import Operation


def operations(ports: Ports, board: BoardCopy, version: str) -> list[Operation]:
    """Every operation, in the order of the pages that are made from it."""
    table = [
        *tickets.operations(ports, board),
        *board_resource.operations(board),
        *lottery.operations(board),
        *accounts.operations(ports, board),
        *paper.operations(ports, board),
        *codes.operations(ports),
        *identity.operations(ports),
        *profile.operations(ports),
        *assessment.operations(ports),
        *waves.operations(ports),
        *me.operations(ports),
        *counts.operations(ports),
        *complaints.operations(ports),
        *announcement.operations(ports),
        *training.operations(ports),
        *health.operations(board),
    ]
    return [*table, *openapi.operations(table, version)]
