"""What operators set of waves."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from service.domain.wave_plans import WavePlan
from service.storage.sql import queries

_SQL = queries("wave_plans")


class WavePlanRows:
    """Fulfils `wave_ports.WavePlanStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def find(self, wave_id: int) -> WavePlan | None:
        row = await self._connection.fetchrow(_SQL["find"], wave_id)
        return None if row is None else _plan(row)

    async def plans(self) -> Sequence[WavePlan]:
        return [_plan(row) for row in await self._connection.fetch(_SQL["plans"])]

    async def hold(self) -> None:
        await self._connection.execute(_SQL["hold"])

    async def put(self, plan: WavePlan) -> None:
        await self._connection.execute(
            _SQL["put"],
            plan.id,
            plan.opens_at,
            plan.closes_at,
            plan.seats,
            {f"{province:02}": most for province, most in sorted(plan.quotas.items())},
            plan.announce_at,
            plan.sms_from,
            plan.sms_until,
            plan.age_on,
        )


def _plan(row: Mapping[str, Any]) -> WavePlan:
    quotas = {int(province): most for province, most in row["quotas"].items()}
    return WavePlan(**{**row, "quotas": quotas})
