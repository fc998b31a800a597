"""The motivation and basic-ability test: 18 items, 25 minutes on the server's clock, each answer saved at once.

`in_time` is a compiled rule (DESIGN section 2); instants are seconds since any fixed origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ITEMS = 18
OPTIONS = 4
DURATION_S = 1500.0
"""25 minutes, as in April 2020."""
UNANSWERED = -1


def in_time(started_at: float, now: float) -> bool:
    """Whether an answer given now counts. The clock is the server's: the phone's may be wrong."""
    return started_at <= now < started_at + DURATION_S


@dataclass(frozen=True, slots=True)
class Item:
    text: str
    options: tuple[str, str, str, str]
    right: int
    """Index of the right option; -1 for a question about motivation, where each answer counts."""


def score(answers: Sequence[int]) -> int:
    """Points of `answers` (length ITEMS, -1 = not answered): one for a right or, in motivation, for any answer."""
    return sum(
        1 for item, answer in zip(SHEET, answers, strict=True) if answer != UNANSWERED and item.right in (answer, -1)
    )


_HOW_MUCH = ("Sangat tidak setuju", "Tidak setuju", "Setuju", "Sangat setuju")

SHEET: tuple[Item, ...] = (
    Item("Saya ingin mempelajari keterampilan baru tahun ini.", _HOW_MUCH, -1),
    Item("Saya mampu menyelesaikan pelatihan sampai akhir.", _HOW_MUCH, -1),
    Item("Saya tetap mencoba ketika sebuah tugas terasa sulit.", _HOW_MUCH, -1),
    Item("Saya sudah tahu bidang pekerjaan yang saya tuju.", _HOW_MUCH, -1),
    Item("Saya bersedia belajar pada malam hari atau akhir pekan.", _HOW_MUCH, -1),
    Item("Saya nyaman belajar melalui internet.", _HOW_MUCH, -1),
    Item("12 + 15 = ...", ("25", "26", "27", "28"), 2),
    Item("8 x 7 = ...", ("54", "56", "58", "63"), 1),
    Item("Setengah dari 90 adalah ...", ("40", "45", "50", "55"), 1),
    Item("Harga Rp20.000 dengan potongan 10 persen menjadi ...", ("Rp16.000", "Rp17.000", "Rp18.000", "Rp19.000"), 2),
    Item("Deret 2, 4, 8, 16 dilanjutkan dengan ...", ("18", "24", "30", "32"), 3),
    Item("Deret 3, 6, 9, 12 dilanjutkan dengan ...", ("13", "14", "15", "18"), 2),
    Item("Lawan kata 'naik' adalah ...", ("tinggi", "turun", "maju", "datang"), 1),
    Item("Kata yang paling dekat artinya dengan 'cepat' adalah ...", ("lekas", "lambat", "jauh", "besar"), 0),
    Item("Dokter : rumah sakit = guru : ...", ("buku", "murid", "sekolah", "pelajaran"), 2),
    Item("Yang bukan termasuk hari adalah ...", ("Senin", "Maret", "Rabu", "Jumat"), 1),
    Item("Kereta berangkat pukul 08.00 dan tiba pukul 10.30. Lama perjalanan ...", (
        "1 jam 30 menit", "2 jam", "2 jam 30 menit", "3 jam",
    ), 2),
    Item("Semua peserta membawa pena. Budi seorang peserta. Maka Budi ...", (
        "membawa pena", "membawa buku", "tidak membawa pena", "bukan peserta",
    ), 0),
)  # fmt: skip
