"""The courses that a grant pays for, and their platforms. Invented; the real catalogue had 2,055 of them on eight."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.money import TRAINING

PLATFORMS = ("balai", "cakap", "giat", "juru", "mitra", "pijar", "sekolah", "tukang")


@dataclass(frozen=True, slots=True)
class Course:
    id: str
    platform: str
    title: str
    hours: int
    price: int
    """Rupiah; never more than the training part of a grant."""


_TABLE = (
    ("balai-las", "balai", "Las listrik dasar", 40, 1_000_000),
    ("balai-listrik", "balai", "Instalasi listrik rumah", 32, 850_000),
    ("balai-sepeda-motor", "balai", "Servis sepeda motor injeksi", 36, 900_000),
    ("cakap-inggris-kerja", "cakap", "Bahasa Inggris untuk wawancara kerja", 16, 480_000),
    ("cakap-inggris-hotel", "cakap", "Bahasa Inggris untuk perhotelan", 20, 560_000),
    ("cakap-mandarin", "cakap", "Bahasa Mandarin dasar", 20, 600_000),
    ("giat-barista", "giat", "Menjadi barista", 12, 650_000),
    ("giat-roti", "giat", "Membuat roti untuk dijual", 10, 300_000),
    ("giat-katering", "giat", "Usaha katering dari rumah", 8, 250_000),
    ("juru-administrasi", "juru", "Administrasi perkantoran", 14, 400_000),
    ("juru-pembukuan", "juru", "Pembukuan usaha kecil", 12, 350_000),
    ("juru-pajak", "juru", "Pajak untuk usaha kecil", 8, 275_000),
    ("mitra-ojek", "mitra", "Melayani penumpang ojek daring", 4, 168_000),
    ("mitra-kurir", "mitra", "Menjadi kurir yang aman", 4, 150_000),
    ("mitra-warung", "mitra", "Warung yang menjual secara daring", 6, 200_000),
    ("pijar-desain", "pijar", "Desain grafis untuk pemula", 18, 500_000),
    ("pijar-konten", "pijar", "Menulis konten", 10, 320_000),
    ("pijar-video", "pijar", "Menyunting video di ponsel", 10, 340_000),
    ("sekolah-excel", "sekolah", "Lembar kerja untuk kantor", 10, 220_000),
    ("sekolah-python", "sekolah", "Pemrograman Python dasar", 30, 750_000),
    ("sekolah-web", "sekolah", "Membangun situs web", 36, 950_000),
    ("tukang-ac", "tukang", "Merawat pendingin ruangan", 16, 520_000),
    ("tukang-cat", "tukang", "Mengecat bangunan", 12, 380_000),
    ("tukang-jahit", "tukang", "Menjahit pakaian", 24, 620_000),
)
COURSES: Mapping[str, Course] = {row[0]: Course(*row) for row in _TABLE}
"""By id, in the order in which they are shown."""


def affordable(course: Course, left: int) -> bool:
    """left: what the participant may still spend, rupiah."""
    return course.price <= left <= TRAINING
