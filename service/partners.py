"""Clients of the partners, each with connections and a guard of its own: the trouble of one is no other's."""

import random
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from service.gateways.call import open_session
from service.gateways.civil_registry import CivilRegistryClient
from service.gateways.guard import Guard
from service.gateways.messages import MessageClient
from service.gateways.payout import PayoutClient
from service.gateways.providers import Providers
from service.metrics import Metrics
from service.ports import MessageGateway
from service.queues.policy import policies
from service.settings import Settings

SLOW_CALL = 0.5
"""Of a call's deadline: a partner that takes longer is asked less at once, before its calls reach the deadline."""


class Partners(NamedTuple):
    civil_registry: CivilRegistryClient
    email: MessageGateway
    sms: MessageGateway
    announcer: MessageClient
    payouts: PayoutClient


async def open_partners(stack: AsyncExitStack, settings: Settings, metrics: Metrics) -> Partners:
    """Connected until the stack ends."""
    lanes, chance, url = policies(settings), random.Random().random, settings.partners_url

    async def parts(partner: str, queue: str) -> dict[str, Any]:
        most, timeout = lanes[queue].concurrency, settings.partner_timeout
        slow, on = timeout * SLOW_CALL, settings.partner_guard
        return {
            "session": await stack.enter_async_context(open_session(most)),
            "timeout": timeout,
            "metrics": metrics,
            "guard": Guard(partner, most=most, slow=slow, on=on, metrics=metrics, chance=chance),
        }

    registry = CivilRegistryClient(url, **await parts("civil_registry", "identity"))
    email: MessageGateway
    sms: MessageGateway
    email = first = MessageClient("email", url, channel="email", **await parts("email", "email"))
    if settings.email_second_url:
        more = await parts("email_second", "email")
        second = MessageClient("email_second", settings.email_second_url, channel="email", **more)
        email = Providers(first, second, show=metrics.second_share.labels("email").set)
    sms = first = MessageClient("sms", url, channel="sms", **await parts("sms", "sms"))
    if settings.sms_second_url:
        more = await parts("sms_second", "sms")
        second = MessageClient("sms_second", settings.sms_second_url, channel="sms", **more)
        sms = Providers(first, second, show=metrics.second_share.labels("sms").set)
    # Never a second provider: that one would not know what the first has sent, and people would get it twice.
    announcer = MessageClient(
        "announcement", url, channel="announcement", **await parts("announcement", "announcement")
    )
    payouts = PayoutClient(url, **await parts("payout", "payout"))
    return Partners(registry, email, sms, announcer, payouts)
