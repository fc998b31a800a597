"""docs/operators.md: its tables are those of the code, and its examples can be sent as they stand there."""

import json
import re
from pathlib import Path

from service.domain.staff import RULES, Role, may
from service.web.decoding import BodyDecoder
from service.web.staff import Credentials
from service.web.staff_orders import BODIES, FURTHER_BODIES, arguments_of

PAGE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()
YES = {True: {"yes", "two"}, False: {""}}


def test_the_table_of_roles_is_that_of_the_code():
    rows = re.findall(r"^\| (`.*?`) \|(.*?)\|(.*?)\|(.*?)\|", PAGE, re.M)
    told = {verb: cells for verbs, *cells in rows for verb in re.findall(r"`([a-z-]+)`", verbs) if len(cells) == 3}
    told = {verb: [each.strip() for each in cells] for verb, cells in told.items()}
    assert set(told) == set(RULES)
    for verb, cells in told.items():
        for role, cell in zip(Role, cells, strict=True):
            assert cell in YES[may(role, verb)], (verb, role)
            assert (cell == "two") == (RULES[verb].two and may(role, verb)), (verb, role)


def test_every_order_beside_the_waiting_rooms_is_there_with_a_body_that_is_taken():
    rows = dict(re.findall(r"^\| `POST /orders/([a-z-]+)` \| (.*) \|$", PAGE, re.M))
    assert set(rows) == set(FURTHER_BODIES) and not set(rows) & set(BODIES)
    for verb, text in rows.items():
        example = re.findall(r"`(\{.*?\})`(?=[;,]|$)", text)[0]
        filled = example.replace('"64 hexadecimal digits"', f'"{"0" * 64}"')
        filled = filled.replace('"id from GET /sessions"', '"00000000-0000-0000-0000-000000000001"')
        filled = filled.replace('"..."', '"2020-04-17T10:00:00+07:00"')
        given = BodyDecoder(FURTHER_BODIES[verb], {})(filled.encode())
        assert set(arguments_of(given)) == set(json.loads(filled)), verb


def test_the_sign_in_is_taken_as_it_stands_there():
    (sent,) = re.findall(r"/sessions .*-d '(.*?)'", PAGE)
    assert BodyDecoder(Credentials, {})(sent.encode()).name == "Budi Santoso"
