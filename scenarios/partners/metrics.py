"""The metrics page of the partners: `partner_*`, from the same ledgers that the audit reads."""

import time
from collections.abc import Mapping

from scenarios.partners.exposition import family
from scenarios.partners.ledger import GatewayLedger, PayoutLedger, RegistryLedger
from scenarios.partners.settings import Figures


def metrics_page(
    *,
    ledgers: Mapping[str, RegistryLedger | GatewayLedger | PayoutLedger],
    figures: Figures,
    allowance_left: int | None,
    delivery_connections: int,
) -> str:
    """The page in Prometheus' text format. allowance_left: None = no allowance holds now, and the metric is absent."""
    gateways = {name: ledger for name, ledger in ledgers.items() if isinstance(ledger, GatewayLedger)}
    rates = {
        "civil_registry": figures.civil_registry.rate_per_s,
        "email": figures.email.rate_per_s,
        "sms": figures.sms.rate_per_s,
        "announcement": figures.announcement.rate_per_s,
        "payout": figures.payout.rate_per_s,
    }
    families = [
        family(
            "partner_requests_total",
            "counter",
            "Requests by what became of them.",
            [
                ({"partner": partner, "outcome": outcome}, count)
                for partner, ledger in ledgers.items()
                for outcome, count in ledger.outcomes().items()
            ],
        ),
        family(
            "partner_messages_total",
            "counter",
            "Accepted messages by how they ended.",
            [
                ({"partner": partner, "outcome": outcome}, count)
                for partner, ledger in gateways.items()
                for outcome, count in (("delivered", ledger.delivered), ("lost", ledger.lost))
            ],
        ),
        family(
            "partner_messages_pending",
            "gauge",
            "Accepted messages on their way.",
            [({"partner": partner}, ledger.pending) for partner, ledger in gateways.items()],
        ),
        family(
            "partner_rate_limit_requests_per_second",
            "gauge",
            "The rate that the partner lets through.",
            [({"partner": partner}, rate) for partner, rate in rates.items()],
        ),
        family(
            "partner_busiest_window_requests",
            "gauge",
            "Most requests asked in any window of this many seconds.",
            [
                ({"partner": partner, "window_seconds": f"{window.length:g}"}, window.most)
                for partner, ledger in ledgers.items()
                for window in (ledger.traffic.second, ledger.traffic.minute)
            ],
        ),
        family(
            "partner_delivery_connections",
            "gauge",
            "Standing connections that are told of deliveries.",
            [({}, delivery_connections)],
        ),
        family("process_cpu_seconds_total", "counter", "CPU of this process, in seconds.", [({}, time.process_time())]),
    ]
    if allowance_left is not None:
        help_text = "Checks left in the present period of the allowance."
        families.append(family("partner_allowance_left_requests", "gauge", help_text, [({}, allowance_left)]))
    return "".join(families)
