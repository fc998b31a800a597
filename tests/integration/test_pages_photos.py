"""Photos from a form over real HTTP: whatever breaks, no broken photo is stored and a stored one is never lost."""

import asyncio
from contextlib import asynccontextmanager

from service.storage.uploads import parts_of
from service.web import incoming
from tests.integration.pages_room import COOKIE, site
from tests.integration.pages_walk import send_photo, signed_in
from tests.integration.registration_room import until
from tests.integration.upload_room import Connection, random_bytes
from tests.photos import jpeg

CARD = "/daftar/foto/ktp"
STATUS = "/daftar/status"
BOUNDARY = "----WebKitFormBoundaryMkuGEWAjSpzj5Ee4"
CLOSING = f"\r\n--{BOUNDARY}--\r\n".encode()
MOST = 100_000


def form(photo, *, name="photo", filename="ktp.jpg"):
    """What a browser sends."""
    disposition = f'form-data; name="{name}"; filename="{filename}"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + photo + CLOSING


@asynccontextmanager
async def posting(found, browser, length, **headers):
    """A connection that has announced a form of `length` bytes."""
    sent = {
        "Cookie": f"{COOKIE}={browser.cookie}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
        "Sec-Fetch-Site": "same-origin",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    connection = Connection(*await asyncio.open_connection("127.0.0.1", int(found.url.rpartition(":")[2])))
    try:
        await connection.head("POST", CARD, {name: value for name, value in sent.items() if value})
        yield connection
    finally:
        await connection.close()


async def uploads(found):
    return await found.service.sql(
        "select id, slot, length, committed, parts, finished_at, replaced_at from upload where deleted_at is null"
        " order by created_at"
    )


async def live(found, slot=1):
    """The bytes of the photo that fills the slot."""
    (row,) = [
        row for row in await uploads(found) if row["slot"] == slot and row["finished_at"] and not row["replaced_at"]
    ]
    return await found.service.ports.photos.read(row["id"], parts_of(row["parts"]), row["length"])


def test_photos_arrive_whole_and_replace_each_other(run, database_url, tmp_path):
    """Three megabytes in pieces; then another photo for the same slot; the way goes on each time."""

    async def scenario():
        first, second, selfie = random_bytes(3_200_000), random_bytes(1 << 20), random_bytes(1)
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            seen = [await send_photo(browser, CARD, first)]
            stored = [await live(found) == first]
            seen.append(await browser.open(CARD))
            seen.append(await send_photo(browser, CARD, second))
            stored.append(await live(found) == second)
            seen.append(await send_photo(browser, "/daftar/foto/swafoto", selfie))
            stored.append(await live(found, 2) == selfie)
            counted = found.service.metrics.upload_bytes._value.get()
            return seen, stored, counted, len(first + second + selfie), found.service.stages

    seen, stored, counted, sent, stages = run(scenario())
    assert stored == [True, True, True] and counted == sent
    assert {page.status for page in seen} == {200}
    assert "Foto sudah tersimpan" in seen[1].text
    assert stages == ["photos_uploaded"]


def test_a_refused_photo_is_told_in_the_language_of_the_page(run, database_url, tmp_path):
    """The status page says which photo and why, and leads to its form, which says so too until another one is sent."""

    async def scenario():
        async with site(database_url, tmp_path) as found:
            browser, _ = await signed_in(found)
            await send_photo(browser, CARD, random_bytes(5000))

            async def is_refused():
                return "Kirim ulang" in (await browser.open("/daftar/status")).text

            await until(is_refused)
            seen = [(await browser.open(path)).text for path in (STATUS, "/daftar/en/status", CARD)]
            await send_photo(browser, CARD, jpeg())
            await found.service.drained()
            return seen, (await browser.open(STATUS)).text

    (indonesian, english, form_page), afterwards = run(scenario())
    assert "Foto KTP: Foto tidak dapat dibuka. Ambil foto baru, lalu kirim." in indonesian
    assert "The photo cannot be opened. Take a new photo and send it." in english and "Send a new photo" in english
    assert "Foto tidak dapat dibuka" in form_page and "Pakai foto yang tersimpan" not in form_page
    assert "Foto tidak dapat dibuka" not in afterwards


def test_a_form_is_told_early_that_no_photo_can_be_inspected(run, database_url, tmp_path):
    """503 before the photo is taken: a form cannot send its last byte again, and would have to send all of them."""

    async def scenario():
        async with site(database_url, tmp_path, working=False, PHOTO_QUEUE_LIMIT="1") as found:
            browser, _ = await signed_in(found)
            return [(await send_photo(browser, path, jpeg())).status for path in (CARD, CARD)], await uploads(found)

    statuses, rows = run(scenario())
    assert statuses == [200, 503] and len(rows) == 1


def test_a_file_of_another_type_is_refused_in_its_form(run, database_url, tmp_path):
    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            return await send_photo(browser, CARD, b"GIF89a" + bytes(3_000_000)), await uploads(found)

    page, rows = run(scenario())
    assert page.status == 415 and "bukan foto JPG atau PNG" in page.text
    assert rows == [] and not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_pressed_twice_at_once_is_one_photo(run, database_url, tmp_path):
    """Both presses end well; the slot holds one photo."""

    async def scenario():
        photo = random_bytes(50_000)
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            pages = await asyncio.gather(*(send_photo(browser, CARD, photo) for _ in range(3)))
            return pages, await live(found) == photo

    pages, stored = run(scenario())
    assert {page.status for page in pages} == {200} and stored


def test_no_photo_chosen_is_told_beside_the_field(run, database_url, tmp_path):
    """An empty choice, as browsers send it; nothing is begun."""

    async def scenario():
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            body = form(b"", filename="")
            async with posting(found, browser, len(body)) as connection:
                await connection.send(body)
                answer = await connection.answer()
            return answer, await uploads(found)

    answer, rows = run(scenario())
    page = answer.body.decode()
    assert answer.status == 422 and rows == []
    assert "<title>Kesalahan: Foto KTP" in page and 'href="#photo"' in page and 'id="photo-fault"' in page
    assert "connection" not in answer.headers


JUDGED = [
    (MOST + 20_000, {}, 413),
    (None, {"Transfer_Encoding": "chunked"}, 411),
    (100, {"Content_Type": "text/plain"}, 415),
    (100, {"Sec_Fetch_Site": "cross-site"}, 403),
    (MOST, {"Cookie": f"{COOKIE}=nonsense"}, 303),
]


def test_a_form_is_judged_before_its_body(run, database_url, tmp_path):
    """Too large, of unknown size, no form, from elsewhere, not signed in: answered although no byte of it was sent."""

    async def scenario():
        async with site(database_url, tmp_path, working=False, PHOTO_MAX_BYTES=str(MOST)) as found:
            browser, _ = await signed_in(found)
            answers = []
            for length, headers, _ in JUDGED:
                async with posting(found, browser, length or "", **headers) as connection:
                    answers.append(await connection.answer())
            return answers, await uploads(found)

    answers, rows = run(scenario())
    assert rows == []
    assert [answer.status for answer in answers] == [status for _, _, status in JUDGED]
    assert all(b"<h1>" in answer.body for answer in answers[:4])
    assert [answer.headers.get("connection") for answer in answers[:3]] == ["close"] * 3
    assert answers[4].headers["location"] == "/daftar/masuk"


def test_too_large_a_photo_is_refused_in_the_form_that_holds_it(run, database_url, tmp_path):
    """Within the room for the rest of the form, but beyond what a photo may have."""

    async def scenario():
        async with site(database_url, tmp_path, working=False, PHOTO_MAX_BYTES=str(MOST)) as found:
            browser, _ = await signed_in(found)
            photos = [random_bytes(size) for size in (MOST, MOST + 1)]
            return [(await send_photo(browser, CARD, photo)).status for photo in photos], await uploads(found)

    statuses, rows = run(scenario())
    assert statuses == [200, 413] and len(rows) == 1


def test_what_breaks_off_or_lies_never_becomes_a_photo(run, database_url, tmp_path, monkeypatch):
    """The client leaves, falls silent, or sends more fields than it says: the photo that was stored stays."""

    async def scenario():
        good, bad = random_bytes(5_000), random_bytes(2_500_000)
        async with site(database_url, tmp_path, working=False) as found:
            browser, _ = await signed_in(found)
            await send_photo(browser, CARD, good)
            body, answers = form(bad), []
            lying = body.removesuffix(CLOSING) + b"\r\n" + form(b"more")
            async with posting(found, browser, len(body)) as connection:
                await connection.send(body[:2_000_000])
                connection.reset()
            for length, sent, patience in ((len(body), body[:-100], 0.3), (len(lying), lying, 60.0)):
                monkeypatch.setattr(incoming, "READ_LIMIT", patience)
                async with posting(found, browser, length) as connection:
                    await connection.send(sent)
                    answers.append(await connection.answer())

            async def all_ended():
                return found.service.metrics.uploads_open._value.get() == 0

            await until(all_ended)
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            kept = await live(found) == good
            return answers, kept, len(await uploads(found)), len(files), await browser.open(CARD)

    (silent, lying), kept, rows, files, page = run(scenario())
    assert silent.status == 408 and silent.headers["connection"] == "close"
    assert lying.status == 400
    assert (rows, files) == (1, 1)  # nothing is left of them, and they do not count against the bound
    assert kept and "Foto sudah tersimpan" in page.text
