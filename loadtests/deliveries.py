"""What the phones and mailboxes of the crowd receive: one standing connection to the partners, JSON lines."""

import json
import logging
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import gevent
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from scenarios.fates import Channel
from scenarios.population import number_of

_CODE = re.compile(r"\b(\d{6})\b")
_SILENCE = 20.0
"""Seconds without a line after which the connection counts as dead: four of the partners' heartbeats."""
_RECONNECT = 0.5

_log = logging.getLogger(__name__)

Delivered = Callable[[int, int, str], None]
"""Called with the applicant's number, the channel (Channel) and the code."""


def listen(partners_url: str, residue: int, modulus: int, delivered: Delivered) -> None:
    """Report every code sent to applicants `residue` modulo `modulus`, for ever: run it in a greenlet of its own."""
    parts = urlsplit(partners_url)
    while True:
        client = HTTPClient(
            parts.hostname or "",
            parts.port,
            ssl=parts.scheme == "https",
            connection_timeout=5,
            network_timeout=_SILENCE,
        )
        try:
            path = f"{parts.path.rstrip('/')}/deliveries?residue={residue}&modulus={modulus}"
            response = client.get(path)
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
