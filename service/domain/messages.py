"""What the service writes to people: Bahasa Indonesia, one SMS long, the code the only run of six digits."""

from datetime import datetime, timedelta, timezone

from service.domain.codes import Channel

_WIB = timezone(timedelta(hours=7))


def code_message(code: str, channel: int) -> str:
    """The text that carries a one-time code."""
    minutes = 10 if channel == Channel.EMAIL else 5
    return f"Kode verifikasi Anda: {code}. Berlaku {minutes} menit. Jangan berikan kode ini kepada siapa pun."


def claim_message(code: str, until: datetime) -> str:
    """The invitation to make an account of a paper application. It says first that there is none yet."""
    return (
        "Anda BELUM TERDAFTAR di Kartu Prakerja. Dinas mengirim data Anda. Buat akun di situs resmi: "
        f"kode {code} dan tanggal lahir, sampai {until.astimezone(_WIB):%d/%m/%Y}."
    )
