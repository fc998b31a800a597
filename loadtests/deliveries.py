"""What the phones and mailboxes of the crowd receive: one standing connection to the partners, JSON lines."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from scenarios.arrivals import SHARDS
from scenarios.fates import Channel
from scenarios.population import number_of

_CODE = re.compile(r"\b(\d{6})\b")
_SILENCE = 20.0
"""Seconds without a line after which the connection counts as dead: four of the partners' heartbeats."""
_RECONNECT = 0.5

_log = logging.getLogger(__name__)

Delivered = Callable[[int, int, str], None]
"""Called with the applicant's number, the channel (Channel) and the code."""


def listen(partners_url: str, shards: Sequence[int], delivered: Delivered, connected: Event) -> None:
    """Report every code sent to applicants of these shards, for ever: run it in a greenlet of its own.

    connected: set once the partners have begun to answer, so that nothing sent from then on is missed.
    """
    parts = urlsplit(partners_url)
    residues = ",".join(map(str, shards))
    while True:
        client = HTTPClient(
            parts.hostname or "",
            parts.port,
            ssl=parts.scheme == "https",
            connection_timeout=5,
            network_timeout=_SILENCE,
        )
        try:
            response = client.get(f"{parts.path.rstrip('/')}/deliveries?residue={residues}&modulus={SHARDS}")
            connected.set()
            while line := response.readline(b"\n"):
                if len(line) > 1:
                    _report(line, delivered)
        except (OSError, HTTPParseError, ValueError) as fault:
            _log.warning("deliveries: %s; asking again", fault)
        finally:
            client.close()
        gevent.sleep(_RECONNECT)


def _report(line: bytes, delivered: Delivered) -> None:
    message = json.loads(line)
    code = _CODE.search(message["text"])
    number = number_of(message["to"])
    if code is not None and number >= 0:
        delivered(number, Channel.EMAIL if message["channel"] == "email" else Channel.SMS, code[1])
