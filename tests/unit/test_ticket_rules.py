"""Tickets: read only with the key that signed them and the secret they are bound to, in one spelling."""

import random
import string
from itertools import cycle, islice

from hypothesis import given
from hypothesis import strategies as st

from service.domain import signatures, tickets
from service.domain.tickets import Shown

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SECRETS = b"s" * 32
ALPHABET = string.ascii_letters + string.digits + "-_.="
MUTATIONS = 20_000
"""`make acceptance NAME=waiting-room` tries a hundred thousand."""


def drawn(number: int, *, key: bytes = KEY, key_id: int = 1, epoch: int = 1, request: bytes = b"") -> tuple[str, str]:
    """A ticket and its secret."""
    secret = tickets.secret_of(SECRETS, request or b"request %d" % number)
    return tickets.sign_ticket(key, key_id, epoch, number, tickets.binding_of(secret)), secret


@given(st.integers(0, 10**9 - 1), st.integers(0, 2**31 - 1), st.integers(1, 2**63 - 1), st.binary(min_size=1))
def test_a_ticket_is_read_back_by_its_holder(key_id, epoch, number, request):
    """With its key and its secret, and with no other of either."""
    value, secret = drawn(number, key_id=key_id, epoch=epoch, request=request)
    assert len(value) <= 120 and len(secret) == tickets.SECRET_CHARACTERS
    assert signatures.key_id_of(value) == key_id
    ticket = tickets.read_ticket(KEY, Shown(value, secret))
    assert ticket is not None
    assert (ticket.key_id, ticket.epoch, ticket.number) == (key_id, epoch, number)
    assert tickets.read_ticket(OTHER_KEY, Shown(value, secret)) is None
    assert tickets.read_ticket(KEY, Shown(value, drawn(number, request=request + b"!")[1])) is None


def test_the_same_request_finds_its_secret_again():
    """Another request finds another, and so does whoever has another key."""
    assert tickets.secret_of(SECRETS, b"a") == tickets.secret_of(SECRETS, b"a")
    assert len({tickets.secret_of(key, request) for key in (SECRETS, KEY) for request in (b"a", b"b")}) == 4


def mutants(seed: int) -> list[tuple[str, str]]:
    """MUTATIONS pairs of ticket and secret that are not the holder's: changed, cut, grown, swapped, spliced."""
    rng = random.Random(seed)
    held = [drawn(number) for number in range(1, 200)]

    def changed(text: str) -> str:
        at = rng.randrange(len(text))
        other = rng.choice([each for each in ALPHABET if each != text[at]])
        return rng.choice(
            [text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + other + text[at:]]
        )

    made = []
    for (value, secret), (other, other_secret) in islice(zip(cycle(held), cycle(held[1:]), strict=False), MUTATIONS):
        head, _, tail = value.rpartition(".")
        made.append(
            rng.choice(
                [
                    (changed(value), secret),
                    (value, changed(secret)),
                    (value, other_secret),
                    (other, secret),
                    (f"{head}.{other.rpartition('.')[2]}", secret),
                    (f"{other.rpartition('.')[0]}.{tail}", other_secret),
                    (f"0{value}", secret),
                    (f"{value}=", secret),
                    (f"{value} ", secret),
                    (value, ""),
                    (value[: rng.randrange(len(value))], secret),
                ]
            )
        )
    return made


def test_no_mutated_or_replayed_ticket_is_accepted():
    """Whatever is changed in either half, and another's half beside one's own: none of 20,000."""
    pairs = mutants(7)
    assert len(pairs) == MUTATIONS
    accepted = [pair for pair in pairs if signatures.key_id_of(pair[0]) == 1 and tickets.read_ticket(KEY, Shown(*pair))]
    assert accepted == []


def test_without_the_binding_replayed_tickets_would_be_accepted():
    """The negative control: signatures alone let in whoever shows another's ticket."""
    shown = [value for value, secret in mutants(7) if tickets.read_ticket(KEY, Shown(value, drawn_secret(value)))]
    assert len(shown) > 100


def drawn_secret(value: str) -> str:
    """The secret that belongs to a ticket of `drawn`, whatever secret was shown."""
    fields = value.split(".")
    return drawn(int(fields[2]))[1] if len(fields) == 5 and fields[2].isdecimal() else ""


almost_tickets = st.text(alphabet="0123456789.AZ-_=é", max_size=130)
"""Text of the right letters reaches further into the reading than any text does."""


@given(st.one_of(st.text(max_size=200), almost_tickets), st.one_of(st.text(max_size=60), almost_tickets))
def test_whatever_is_sent_is_judged(value, secret):
    """Never an exception: refused."""
    if signatures.key_id_of(value) >= 0:
        assert tickets.read_ticket(KEY, Shown(value, secret)) is None
