"""Saving the profile, one step at a time, and seeing again what was saved."""

from collections.abc import Mapping

from service.actions.again import idempotent
from service.actions.sessions import signed_in
from service.ports import Ports


@idempotent
async def put_step(ports: Ports, token_hash: bytes, step: str, data: Mapping[str, object]) -> None:
    """Keep the draft of one step; the last one put counts."""
    async with ports.begin(single=True) as tx:
        account_id = await signed_in(tx, token_hash)
        completed = await tx.profiles.put(account_id, step, data)
    if completed:
        ports.reached("profile_completed")


@idempotent
async def read_step(ports: Ports, token_hash: bytes, step: str) -> Mapping[str, object] | None:
    """The draft of one step as it was put. None: nothing was put yet. Raises NotSignedIn."""
    async with ports.begin(single=True) as tx:
        return await tx.profiles.read(await signed_in(tx, token_hash), step)
