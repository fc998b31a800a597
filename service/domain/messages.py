"""What the service writes to people: Bahasa Indonesia, one SMS long, the code the only run of six digits."""

from service.domain.codes import Channel


def code_message(code: str, channel: int) -> str:
    """The text that carries a one-time code."""
    minutes = 10 if channel == Channel.EMAIL else 5
    return f"Kode verifikasi Anda: {code}. Berlaku {minutes} menit. Jangan berikan kode ini kepada siapa pun."
