"""Photos that were made to harm whoever decodes them, and odd ones that harm nobody, each with its verdict."""

import os
import struct
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image

from loadtests.photos import picture
from service.domain.photos import PhotoVerdict
from tests.photos import encoded, grain, jpeg

GPS = 0x8825
ORIENTATION = 0x0112
ACCEPTED, WRONG_TYPE, UNREADABLE, TOO_MANY_PIXELS = PhotoVerdict


def png(width: int, height: int, kind: int, bits: int, data: bytes, *more: bytes) -> bytes:
    """A PNG as its header says; data: not yet compressed, `more` chunks come before it."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_gps(kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    exif[0x0110] = "Phone 7"
    exif.get_ifd(GPS).update({1: "S", 2: (7.0, 34.0, 1.0), 3: "E", 4: (110.0, 49.0, 3.0)})
    return encoded(grain(60, 40), kind, exif=exif, comment=b"taken at home")


def segment(marker: int, data: bytes) -> bytes:
    """A part of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(*segments: bytes) -> bytes:
    """A JPEG that begins with these."""
    photo = jpeg()
    return photo[:2] + b"".join(segments) + photo[2:]


def sized(width: int, height: int) -> bytes:
    """A small JPEG whose header says that it is larger."""
    photo = jpeg()
    place = photo.index(b"\xff\xc0") + 5
    return photo[:place] + struct.pack(">HH", height, width) + photo[place + 4 :]


@cache
def bomb(side: int = 6300) -> bytes:
    """39 megapixels with alpha, 155 KB: within the limit of pixels, beyond that of memory."""
    return encoded(Image.new("RGBA", (side, side)), "PNG")


@cache
def scans() -> bytes:
    """A progressive JPEG whose last scan is repeated a hundred thousand times: each is decoded over all pixels."""
    photo = encoded(Image.new("L", (2000, 2000)), progressive=True)
    last = photo.rindex(b"\xff\xda")
    return photo[:-2] + photo[last:-2] * 100_000 + photo[-2:]


def animated() -> bytes:
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "green", "blue")]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])


def pair() -> bytes:
    """Two pictures in one JPEG, as phones keep depth or brightness beside what was seen."""
    return encoded(grain(60, 40), "MPO", save_all=True, append_images=[grain(30, 20)])


def packed(name: bytes) -> bytes:
    """50 MB in a chunk of 50 KB beside a picture of 64 pixels."""
    return png(8, 8, 0, 8, bytes(8 * 9), chunk(name, b"note\0\0" + zlib.compress(bytes(50_000_000), 9)))


@cache
def inks() -> bytes:
    """39 megapixels in four inks, 933 KB: the parts of a progressive JPEG are all kept until the last one."""
    return encoded(Image.new("CMYK", (6300, 6300)), progressive=True)


@cache
def large(kind: str, **options: object) -> bytes:
    """The largest picture that is allowed: 39.7 megapixels of one color."""
    return encoded(Image.new("RGB", (6300, 6300), "red"), kind, **options)


def broken_sum() -> bytes:
    """A PNG with one bit of its picture the wrong way."""
    photo = bytearray(encoded(grain(60, 40), "PNG"))
    photo[len(photo) // 2] ^= 1
    return bytes(photo)


PLACE = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><exif:GPSLatitude>7,34S</exif:GPSLatitude></x:xmpmeta>"
CITY = b"Photoshop 3.0\0008BIM\x04\x04\0\0\0\0\0\x0e\x1c\x02\x5a\0\x09Surakarta"
DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF"
SCRIPT = b"Comment\0<?php system($_GET[0]); ?>"
LOOP = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"

FORBIDDEN = (
    b"Exif", b"Phone 7", b"taken at home", b"GPSLatitude", b"Surakarta", b"PK\x05\x06", b"<script", b"<?php", b"%PDF",
)  # fmt: skip
"""What stands in originals of the corpus and in no clean copy."""

CORPUS: dict[str, tuple[Callable[[], bytes], PhotoVerdict]] = {
    "a photo": (jpeg, ACCEPTED),
    "a photo of the swarm": (lambda: picture(60_000, False, 1), ACCEPTED),
    "a screenshot with alpha": (lambda: encoded(grain(60, 40).convert("RGBA"), "PNG"), ACCEPTED),
    "empty": (lambda: b"", UNREADABLE),
    "two bytes": (lambda: b"\xff\xd8", UNREADABLE),
    "a signature alone": (lambda: b"\x89PNG\r\n\x1a\n", UNREADABLE),
    "a GIF": (lambda: encoded(grain(60, 40), "GIF"), WRONG_TYPE),
    "a TIFF": (lambda: encoded(grain(60, 40), "TIFF"), WRONG_TYPE),
    "a page": (lambda: b"<html><script>alert(1)</script></html>", WRONG_TYPE),
    "an archive": (lambda: b"PK\x03\x04" + bytes(500), WRONG_TYPE),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", WRONG_TYPE),
    "a document": (lambda: DOCUMENT, WRONG_TYPE),
    "a drawing": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", WRONG_TYPE),
    "a WebP": (lambda: encoded(grain(60, 40), "WEBP"), WRONG_TYPE),
    "a HEIC": (lambda: b"\0\0\0\x18ftypheic" + bytes(500), WRONG_TYPE),
    "an archive before a JPEG": (lambda: b"PK\x03\x04" + jpeg(), WRONG_TYPE),
    "noise behind a signature": (lambda: b"\xff\xd8\xff\xe0" + os.urandom(5000), UNREADABLE),
    "cut off in the header": (lambda: jpeg()[:100], UNREADABLE),
    "cut off in the middle": (lambda: jpeg(400, 300)[:20_000], UNREADABLE),
    "a PNG cut off": (lambda: encoded(grain(300, 200), "PNG")[:50_000], UNREADABLE),
    "a PNG with one bit wrong": (broken_sum, UNREADABLE),
    "a PNG with less than it says": (lambda: png(800, 800, 0, 8, bytes(80)), UNREADABLE),
    "a PNG with more than it says": (lambda: png(8, 8, 0, 8, bytes(50_000_000)), ACCEPTED),
    "a PNG without its palette": (lambda: png(4, 4, 3, 8, bytes(4 * 5)), UNREADABLE),
    "a JPEG smaller than it says": (lambda: sized(9000, 4000), ACCEPTED),
    "JPEG and archive in one": (lambda: jpeg() + b"PK\x05\x06" + bytes(18), ACCEPTED),
    "JPEG with a page behind it": (lambda: jpeg() + b"<script>alert(1)</script>", ACCEPTED),
    "JPEG and document in one": (lambda: with_segments(segment(0xFE, DOCUMENT)), ACCEPTED),
    "PNG and script in one": (lambda: png(8, 8, 0, 8, bytes(8 * 9), chunk(b"tEXt", SCRIPT)), ACCEPTED),
    "PNG and archive in one": (lambda: encoded(grain(60, 40), "PNG") + b"PK\x05\x06" + bytes(18), ACCEPTED),
    "place and camera": (with_gps, ACCEPTED),
    "place and camera in a PNG": (lambda: with_gps("PNG"), ACCEPTED),
    "place in other marks": (lambda: with_segments(segment(0xE1, PLACE), segment(0xED, CITY)), ACCEPTED),
    "four inks": (lambda: encoded(grain(60, 40).convert("CMYK")), ACCEPTED),
    "gray": (lambda: encoded(grain(60, 40).convert("L")), ACCEPTED),
    "16 bits of gray": (lambda: encoded(Image.new("I;16", (30, 30), 40_000), "PNG"), ACCEPTED),
    "16 bits of color and alpha": (lambda: png(4, 4, 6, 16, bytes(4 * (1 + 4 * 8))), ACCEPTED),
    "16 bits of color": (lambda: png(4, 4, 2, 16, bytes(4 * (1 + 4 * 6))), ACCEPTED),
    "two colors": (lambda: encoded(grain(60, 40).convert("1"), "PNG"), ACCEPTED),
    "a palette": (lambda: encoded(grain(60, 40).convert("P"), "PNG", transparency=3), ACCEPTED),
    "animated": (animated, ACCEPTED),
    "two pictures": (pair, ACCEPTED),
    "60,000 x 60,000": (lambda: png(60_000, 60_000, 0, 1, b""), TOO_MANY_PIXELS),
    "65,500 x 65,500": (lambda: sized(65_500, 65_500), TOO_MANY_PIXELS),
    "2 billion wide": (lambda: png(2**31 - 1, 1, 0, 1, b""), TOO_MANY_PIXELS),
    "no height": (lambda: png(10, 0, 0, 8, b""), UNREADABLE),
    "a strip": (lambda: png(10_001, 1, 0, 1, bytes(2000)), TOO_MANY_PIXELS),
    "39 megapixels of nothing": (bomb, TOO_MANY_PIXELS),
    "a scan a hundred thousand times": (scans, UNREADABLE),
    "50 MB of text": (lambda: packed(b"zTXt"), UNREADABLE),
    "50 MB of colors": (lambda: packed(b"iCCP"), UNREADABLE),
    "39 megapixels of four inks": (inks, UNREADABLE),
    "20 megapixels with alpha": (lambda: encoded(Image.new("RGBA", (4500, 4500)), "PNG"), ACCEPTED),
    "39 megapixels in a PNG": (lambda: large("PNG"), ACCEPTED),
    "39 megapixels in a JPEG": (lambda: large("JPEG"), ACCEPTED),
    "39 megapixels in parts": (lambda: large("JPEG", progressive=True), ACCEPTED),
    "100,000 notes": (lambda: with_segments(segment(0xFE, b"x") * 100_000), ACCEPTED),
    "marks that name themselves": (lambda: encoded(grain(60, 40), exif=LOOP), ACCEPTED),
    "broken orientation": (lambda: encoded(grain(60, 40), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"), ACCEPTED),
}
