"""What the draw said, as the status page and that of joining tell it."""

from datetime import timedelta

from service.domain.draws import Outcome
from service.wave_ports import Place
from tests.integration.pages_room import site
from tests.integration.pages_walk import prepare


def test_the_pages_tell_ticket_and_outcome(run, database_url, tmp_path):
    """The receipt shows the ticket; who waits is told the way on; who is chosen is asked to join nothing more."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser = await prepare(found)
            seen = [await browser.send(await browser.open("/daftar/gabung"), "join")]
            (row,) = await found.service.sql("select id from wave_join")
            later = found.service.clock.now() + timedelta(days=36500)
            for outcome in (Outcome.WAITING, Outcome.CHOSEN):
                async with found.service.ports.begin() as tx:
                    await tx.draws.freeze(1, later)
                    await tx.draws.place(1, [Place(row["id"], outcome, 17)])
                    await tx.draws.publish(1, later)
                seen.append(await browser.open("/daftar/status"))
            seen.append(await browser.open("/daftar/gabung"))
            seen.append(await browser.open("/daftar/en/status"))
            return row["id"].hex, seen

    ticket, (receipt, waiting, chosen, joining, english) = run(scenario())
    assert f"Tiket undian Anda: {ticket}" in receipt.text
    assert "Anda belum terpilih dalam gelombang 1. Urutan undian Anda 17" in waiting.text
    for page in (chosen, joining):
        assert "Anda terpilih dalam gelombang 1." in page.text
        assert "Bergabung sekarang" not in page.text
    assert "You were chosen in wave 1." in english.text


def test_who_was_left_out_is_told_why_or_that_it_was_not_written_down(run, database_url, tmp_path):
    """Of lists that were made before reasons were kept there are none: no colon with nothing behind it."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser = await prepare(found)
            await browser.send(await browser.open("/daftar/gabung"), "join")
            (row,) = await found.service.sql("select id from wave_join")
            later = found.service.clock.now() + timedelta(days=36500)
            async with found.service.ports.begin() as tx:
                await tx.draws.freeze(1, later)
                await tx.draws.publish(1, later)
            seen = [await browser.open(f"/daftar/{path}") for path in ("status", "en/status")]
            async with found.service.ports.begin() as tx:
                await tx.draws.leave_out({row["id"]: ["age"]})
            return [*seen, await browser.open("/daftar/status")]

    unknown, english, known = run(scenario())
    assert "Anda tidak ikut diundi dalam gelombang 1. Alasannya tidak dicatat" in unknown.text
    assert "You were not in the draw of wave 1. The reasons were not written down" in english.text
    assert "gelombang 1: Program ini untuk orang berusia 18 tahun" in known.text
