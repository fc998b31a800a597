"""From the grant to the last payment, through the public API; nothing is paid twice."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scenarios.partners.requests import Account
from service.actions.payouts import queue_payouts
from service.actions.training import book_instalments
from service.domain.announcement import Place
from tests.conftest import Run
from tests.integration.money_room import Drawn, drawn_wave
from tests.integration.queue_room import one
from tests.integration.registration_room import Registration, code_of, new_key, registration, until

MONTH = timedelta(days=30)
SURVEY = {"working": "casual", "monthly_income": 1_200_000, "uses_training": True}
WALLET = {"method": "ovo", "number": "0812 8000 0001"}
CLOSED = {"method": "gopay", "number": "0812 8000 0097"}


class Participant:
    """Somebody with a grant, at the API."""

    def __init__(self, service: Registration, person: Drawn) -> None:
        self.service = service
        self.person = person

    async def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        return await self.service.post(path, body, key=key, **self.person.session)

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.service.http.put(path, json=body, headers=self.person.session)

    async def choose(self, course: str) -> httpx.Response:
        return await self.post("/grant/courses", {"course": course})

    async def complete(self, course: str, certificate: str = "CERT-0001") -> httpx.Response:
        return await self.post("/grant/completions", {"course": course, "certificate": certificate})

    async def grant(self) -> dict[str, Any]:
        answer = await self.service.get("/grant", **self.person.session)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def reaches(self, received: int) -> dict[str, Any]:
        """The grant, when so much was paid."""

        async def there() -> bool:
            await feed(self.service)
            return bool((await self.grant())["received"] == received)

        await until(there)
        return await self.grant()


async def feed(service: Registration) -> None:
    """What a worker does by itself, once a second: nobody waits for it here."""
    await book_instalments(service.ports)
    await queue_payouts(service.ports)


def states(rows: list[dict[str, Any]]) -> list[str]:
    return [row["state"] for row in rows]


def test_a_grant_is_spent_and_paid_to_the_last_rupiah(run: Run, database_url: str, tmp_path: Any) -> None:
    """Courses within 1,000,000, four instalments, three surveys: 3,550,000, each in its month, each once."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            (drawn,) = await drawn_wave(connection, [Place.CHOSEN])
            person = Participant(service, drawn)
            assert (await person.grant())["training_left"] == 1_000_000
            courses = (await service.get("/courses")).json()["courses"]
            assert {each["id"]: each["price"] for each in courses}["sekolah-python"] == 750_000
            key = new_key()
            first = await person.post("/grant/courses", {"course": "sekolah-python"}, key=key)
            again = await person.post("/grant/courses", {"course": "sekolah-python"}, key=key)
            assert first.json() == again.json() == {"course": "sekolah-python", "price": 750_000, "left": 250_000}
            assert code_of(await person.choose("sekolah-python")) == "course-chosen"
            dear = await person.choose("giat-roti")
            assert (dear.status_code, code_of(dear), dear.json()["left"]) == (409, "training-spent", 250_000)
            assert (await person.choose("giat-katering")).json()["left"] == 0

            assert (await person.put("/grant/account", WALLET)).json()["status"] == "asked"
            early = await person.put("/grant/surveys/1", SURVEY)
            assert code_of(early) == "training-not-completed"
            assert (await person.complete("sekolah-python")).status_code == 201
            assert (await person.complete("sekolah-python")).status_code == 201
            assert code_of(await person.complete("sekolah-python", "CERT-0002")) == "course-completed"
            assert code_of(await person.put("/grant/surveys/1", SURVEY)) == "survey-not-open"
            async with service.worker():
                grant = await person.reaches(600_000)
                assert states(grant["instalments"]) == ["paid", "upcoming", "upcoming", "upcoming"]
                for month in (1, 2, 3):
                    service.clock.ahead = month * MONTH + timedelta(minutes=month)
                    answered = await person.put(f"/grant/surveys/{month}", SURVEY)
                    assert answered.status_code == 204
                    assert (await person.put(f"/grant/surveys/{month}", SURVEY)).status_code == 204
                    other = await person.put(f"/grant/surveys/{month}", SURVEY | {"monthly_income": 0})
                    assert code_of(other) == "survey-answered"
                    await person.reaches(600_000 + month * 650_000)
                grant = await person.reaches(2_550_000)
            assert states(grant["instalments"]) == ["paid"] * 4 and states(grant["surveys"]) == ["paid"] * 3
            assert grant["accounts"] == [
                {"method": "ovo", "number": "***********001", "status": "good", "reason": None}
            ]
            assert service.partners.payouts.received(Account("ovo", "+6281280000001")) == 2_550_000
            assert service.partners.payouts.ledger.paid == 7
            rows = await service.sql("select debit, sum(amount) from ledger_entry group by debit order by debit")
            assert dict(map(tuple, rows)) == {"due": 2_550_000, "program": 3_550_000, "training": 1_000_000}
            assert service.stages.count("paid") == 7 and service.stages.count("training_chosen") == 1

    run(scenario())


def test_money_goes_to_the_next_account_when_one_is_closed(run: Run, database_url: str, tmp_path: Any) -> None:
    """Nothing is paid to an account that the partner does not know as theirs; a closed one is left for another; without
    any the payout waits for one."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path) as service, one(database_url) as connection:
            (drawn,) = await drawn_wave(connection, [Place.CHOSEN])
            person = Participant(service, drawn)
            await person.choose("balai-las")
            await person.complete("balai-las")

            async def first_instalment(state: str) -> None:
                async def there() -> bool:
                    await feed(service)
                    return bool((await person.grant())["instalments"][0]["state"] == state)

                await until(there)

            await first_instalment("account_needed")
            strange = await person.put("/grant/account", {"method": "bni", "number": "1234567899"})
            assert strange.status_code == 202

            async def accounts() -> list[tuple[str, str, str | None]]:
                return [(each["method"], each["status"], each["reason"]) for each in (await person.grant())["accounts"]]

            async def judged() -> bool:
                return all(status != "asked" for _, status, _ in await accounts())

            await until(judged)
            assert await accounts() == [("bni", "refused", "other_holder")]
            assert (await person.put("/grant/account", CLOSED)).status_code == 202
            await first_instalment("account_needed")

            async def closed() -> bool:
                return ("gopay", "refused", "account_closed") in await accounts()

            await until(closed)
            assert (await person.put("/grant/account", WALLET)).status_code == 202
            await person.reaches(600_000)
            attempts = await service.sql("select number, method, outcome from payout_attempt order by number")
            assert [tuple(each) for each in attempts] == [(1, "gopay", "account_closed"), (2, "ovo", "paid")]
            rows = [row[0] for row in await service.sql("select t::text from payout_account as t")]
            rows += [row[0] for row in await service.sql("select t::text from payout_attempt as t")]
            assert len(rows) == 5 and not any("81280000" in row or "1234567899" in row for row in rows)

    run(scenario())


@pytest.mark.parametrize("trouble", ["cut", "error"])
def test_a_payment_of_unknown_fate_is_made_once(run: Run, database_url: str, tmp_path: Any, trouble: str) -> None:
    """And never to the account that the person puts meanwhile."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path) as service, one(database_url) as connection:
            (drawn,) = await drawn_wave(connection, [Place.CHOSEN])
            person = Participant(service, drawn)
            await person.choose("balai-las")
            await person.put("/grant/account", WALLET)
            await service.drained()
            service.partners.conduct.change({"payout": {trouble: 1.0}})
            await person.complete("balai-las")

            async def asked() -> bool:
                await feed(service)
                return service.partners.payouts.ledger.traffic.asked >= 2  # the check, and a payment

            await until(asked)
            service.partners.conduct.change({})
            await person.put("/grant/account", {"method": "linkaja", "number": "0812 8000 0002"})
            await person.reaches(600_000)
            ledger = service.partners.payouts.ledger
            assert (ledger.paid, ledger.amount) == (1, 600_000)
            (attempt,) = await service.sql("select method, outcome from payout_attempt")
            assert attempt["outcome"] == "paid"
            assert trouble == "error" or attempt["method"] == "ovo"

    run(scenario())


def test_only_whoever_has_a_grant_may_spend_one(run: Run, database_url: str, tmp_path: Any) -> None:
    """Not who waits, and nothing new for who withdrew."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            people = await drawn_wave(connection, [Place.CHOSEN, Place.WAITING])
            gone, waiting = (Participant(service, each) for each in people)
            for answer in (
                await waiting.choose("balai-las"),
                await waiting.put("/grant/account", WALLET),
                await waiting.put("/grant/surveys/1", SURVEY),
                await service.get("/grant", **waiting.person.session),
            ):
                assert (answer.status_code, code_of(answer)) == (403, "no-grant")
            assert (await gone.choose("mitra-ojek")).status_code == 201
            await connection.execute("update wave_grant set withdrawn_at = now()")
            assert code_of(await gone.choose("mitra-kurir")) == "no-grant"
            assert code_of(await gone.complete("mitra-ojek")) == "no-grant"
            assert (await gone.grant())["state"] == "withdrawn"
            assert code_of(await service.get("/grant")) == "not-signed-in"

    run(scenario())


def test_what_fell_due_before_a_withdrawal_is_paid(run: Run, database_url: str, tmp_path: Any) -> None:
    """Also to an account that is put only afterwards; whoever withdrew without having begun has nothing to wait for."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path) as service, one(database_url) as connection:
            people = await drawn_wave(connection, [Place.CHOSEN, Place.CHOSEN])
            person, idle = (Participant(service, each) for each in people)
            await person.choose("balai-las")
            await person.complete("balai-las")
            await feed(service)
            await connection.execute("update wave_grant set withdrawn_at = now()")

            assert (await person.put("/grant/account", WALLET)).status_code == 202
            assert states((await person.reaches(600_000))["instalments"])[0] == "paid"
            assert code_of(await idle.put("/grant/account", WALLET)) == "no-grant"

    run(scenario())


def test_what_cannot_be_chosen_or_given_is_refused(run: Run, database_url: str, tmp_path: Any) -> None:
    async def scenario() -> None:
        async with registration(database_url, tmp_path, working=False) as service, one(database_url) as connection:
            people = await drawn_wave(connection, [Place.CHOSEN, Place.CHOSEN])
            person, other = (Participant(service, each) for each in people)
            assert code_of(await person.choose("no-such-course")) == "not-found"
            assert code_of(await person.complete("balai-las")) == "not-found"
            wrong = await person.put("/grant/account", {"method": "bni", "number": "08128000001"})
            assert (code_of(wrong), wrong.json()["errors"][0]["field"]) == ("invalid-fields", "number")
            assert code_of(await person.put("/grant/surveys/4", SURVEY)) == "not-found"
            for each in (person, other):
                await each.choose("balai-las")
            assert (await person.complete("balai-las", "SAME-1")).status_code == 201
            for same in ("SAME-1", "Same-1"):
                assert code_of(await other.complete("balai-las", same)) == "certificate-taken"
            assert (await person.complete("balai-las", "same-1")).status_code == 201
            for number in range(10):
                answer = await person.put("/grant/account", {"method": "bni", "number": f"123456780{number}"})
                assert answer.status_code == 202
            assert code_of(await person.put("/grant/account", {"method": "bni", "number": "1234567810"})) == (
                "no-corrections-left"
            )

    run(scenario())
