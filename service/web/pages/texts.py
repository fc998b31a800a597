"""What an applicant reads when something is refused: one Indonesian text for every error and every fault of a field.

Indonesian is the source language: the texts are the keys of the catalogue `translations/en.po`, marked by `N_`, and
translated where they are shown. A test holds the tables against the errors and codes that the code can raise.
"""

from service.domain.errors import LaunchnightError


def N_(text: str) -> str:
    """Marks a text for the catalogue; it is translated later, when the language is known."""
    return text


ERRORS: dict[str, str] = {
    # The form of a request.
    "invalid-fields": N_("Periksa isian yang ditandai, lalu kirim lagi."),
    "malformed-body": N_("Kiriman tidak dapat dibaca. Muat ulang halaman ini, lalu kirim lagi."),
    "body-too-large": N_("Isian terlalu panjang. Persingkat, lalu kirim lagi."),
    "body-too-slow": N_("Kiriman tidak sampai karena sambungan terlalu lambat. Kirim lagi."),
    "unsupported-media-type": N_("Kiriman tidak dapat dibaca. Muat ulang halaman ini, lalu kirim lagi."),
    "not-found": N_("Yang Anda cari tidak ada di sini. Mulai lagi dari halaman awal."),
    "method-not-allowed": N_("Halaman ini tidak dapat dibuka dengan cara itu. Mulai lagi dari halaman awal."),
    "length-required": N_("Foto tidak terkirim dengan benar. Pilih fotonya lagi, lalu kirim."),
    "cross-site-request": N_("Kiriman ini datang dari situs lain. Mulai lagi dari halaman awal."),
    "internal-error": N_("Ada kesalahan di pihak kami. Yang sudah tersimpan tetap aman. Coba lagi sebentar lagi."),
    # Repeated requests.
    "idempotency-key-missing": N_("Formulir ini sudah kedaluwarsa. Muat ulang halaman ini, lalu kirim lagi."),
    "idempotency-key-invalid": N_("Formulir ini sudah kedaluwarsa. Muat ulang halaman ini, lalu kirim lagi."),
    "idempotency-key-reused": N_("Formulir ini sudah pernah dikirim dengan isian lain. Kirim sekali lagi."),
    "request-in-flight": N_("Kiriman Anda yang tadi masih diproses. Tunggu beberapa detik, lalu kirim lagi."),
    "changed-meanwhile": N_("Data ini baru saja diubah dari tempat lain. Periksa isinya, lalu kirim lagi."),
    # The waiting room.
    "ticket-invalid": N_("Nomor antrean Anda tidak ada atau tidak berlaku lagi. Ambil nomor antrean baru."),
    "place-token-invalid": N_("Tempat Anda tidak dapat dibaca. Buka lagi halaman antrean; nomor Anda tetap berlaku."),
    "too-early": N_("Tempat Anda baru saja diperiksa. Tunggu sebentar; halaman ini memperbarui diri."),
    "turn-not-reached": N_("Giliran Anda belum tiba. Tunggu di halaman antrean; nomor Anda tetap berlaku."),
    "pass-invalid": N_("Waktu untuk masuk sudah habis. Buka lagi halaman antrean untuk masuk sekali lagi."),
    "pass-used": N_("Giliran ini sudah dipakai untuk membuat akun. Masuk dengan nomor ponsel akun itu."),
    "order-refused": N_("Perintah ini tidak dapat dijalankan di ruang tunggu."),
    "wave-refused": N_("Gelombang ini tidak dapat diubah seperti itu."),
    # Labor offices.
    "office-code-refused": N_("Kode akses ini tidak diterima. Periksa hurufnya, lalu ketik lagi."),
    "too-many-office-codes": N_("Kode akses salah diketik terlalu sering. Tunggu sampai waktu yang disebut."),
    "office-full": N_("Loket ini sudah memegang 500 nomor. Layani atau hapus beberapa nomor dulu."),
    # Applications on paper.
    "paper-claim-refused": N_(
        "Kode undangan dan tanggal lahir ini tidak cocok. Periksa SMS undangan, lalu ketik lagi."
    ),
    "paper-claimed": N_("Akun sudah dibuat dengan undangan ini. Masuk dengan kode ke ponsel Anda."),
    # Complaints.
    "too-many-complaints": N_("Terlalu banyak pengaduan dikirim dari sini. Tunggu sampai waktu yang disebut."),
    "complaints-full": N_("Terlalu banyak pengaduan masuk saat ini. Kirim lagi pada waktu yang disebut."),
    "complaint-settled": N_("Pengaduan ini sudah diteruskan atau dijawab."),
    # Accounts, codes and sessions.
    "address-taken": N_("Nomor ponsel atau alamat surel ini sudah punya akun. Masuk ke akun itu atau pakai yang lain."),
    "too-many-codes": N_("Kode sudah terlalu sering diminta. Tunggu sampai waktu yang disebut, lalu minta lagi."),
    "resend-too-early": N_("Kode baru saja dikirim. Tunggu sebentar sebelum meminta lagi."),
    "code-refused": N_("Kode ini tidak diterima. Periksa pesan terbaru, lalu ketik kodenya lagi."),
    "not-signed-in": N_("Anda perlu masuk lagi. Semua yang sudah tersimpan tetap ada."),
    # The steps.
    "identity-number-taken": N_("NIK ini sudah dipakai akun lain. Jika akun itu milik Anda, masuklah ke akun itu."),
    "identity-settled": N_("NIK Anda sudah cocok dengan data Dukcapil dan tidak dapat diubah lagi."),
    "no-corrections-left": N_("NIK tidak dapat diperbaiki lagi. Mintalah bantuan dinas tenaga kerja setempat."),
    "assessment-not-started": N_("Tes belum dimulai. Mulailah dari halaman tes."),
    "assessment-over": N_("Waktu tes sudah habis. Jawaban yang tersimpan tetap dihitung."),
    "steps-missing": N_("Masih ada langkah yang belum selesai. Lihat daftarnya di halaman status."),
    "wave-closed": N_("Gelombang ini sudah ditutup. Akun dan data Anda tetap ada untuk gelombang berikutnya."),
    "wave-not-open": N_("Gelombang ini belum dibuka. Data Anda tersimpan; datang lagi setelah dibuka."),
    "not-eligible": N_(
        "Program ini untuk warga negara berusia 18 tahun ke atas yang tidak sedang sekolah atau kuliah, "
        "satu kali seumur hidup."
    ),
    # Training and money.
    "no-grant": N_("Akun ini belum menerima bantuan."),
    "course-chosen": N_("Pelatihan ini sudah Anda pilih."),
    "training-spent": N_("Harga pelatihan ini lebih dari sisa bantuan pelatihan Anda."),
    "course-completed": N_("Pelatihan ini sudah selesai dengan sertifikat lain."),
    "certificate-taken": N_("Sertifikat ini sudah dipakai peserta lain. Periksa nomornya."),
    "training-not-completed": N_("Selesaikan satu pelatihan dulu."),
    "survey-not-open": N_("Survei ini belum dibuka."),
    "survey-answered": N_("Survei ini sudah Anda jawab."),
    "statement-unreadable": N_("Laporan mitra pembayaran tidak dapat dibaca."),
    # Operators.
    "staff-sign-in-refused": N_("Nama, kata sandi, atau kode tidak cocok."),
    "too-many-sign-ins": N_("Terlalu banyak percobaan masuk dari alamat ini. Tunggu sampai waktu yang disebut."),
    "too-many-staff-codes": N_("Kode petugas salah diketik terlalu sering. Tunggu sampai waktu yang disebut."),
    "role-too-low": N_("Tindakan ini untuk petugas dengan peran lain."),
    "second-person-needed": N_("Tindakan ini tidak dapat dibatalkan: dua petugas memutuskannya bersama."),
    "proposal-over": N_("Usulan ini tidak dapat dikuatkan lagi."),
    "last-administrator": N_("Harus tetap ada seorang administrator."),
    # Photos.
    "photo-too-large": N_("Foto terlalu besar. Pilih atau ambil foto yang lebih kecil."),
    "upload-offset-mismatch": N_("Kiriman foto terputus. Pilih fotonya lagi, lalu kirim."),
    "upload-expired": N_("Foto ini terlalu lama tidak dilanjutkan. Pilih fotonya lagi, lalu kirim."),
    "upload-checksum-mismatch": N_("Foto berubah di perjalanan. Pilih fotonya lagi, lalu kirim."),
    "upload-kept": N_("Foto yang sudah tersimpan tidak dapat dihapus. Kirim foto lain untuk menggantinya."),
    "upload-taken-over": N_("Foto ini sedang dikirim dari halaman lain. Lihat hasilnya di halaman status."),
    "tus-version-unsupported": N_("Foto tidak terkirim dengan benar. Pilih fotonya lagi, lalu kirim."),
    "upload-type-unsupported": N_("Foto tidak terkirim dengan benar. Pilih fotonya lagi, lalu kirim."),
    "upload-headers-invalid": N_("Foto tidak terkirim dengan benar. Pilih fotonya lagi, lalu kirim."),
    "too-many-uploads": N_("Foto sudah terlalu sering dikirim dari akun ini. Foto yang tersimpan tetap dipakai."),
    "photo-type-unsupported": N_("Berkas ini bukan foto JPG atau PNG. Kirim foto dari kamera ponsel Anda."),
    "storage-failed": N_("Foto belum dapat disimpan. Data lain tetap aman. Kirim lagi beberapa menit lagi."),
    "storage-full": N_("Foto belum dapat disimpan. Data lain tetap aman. Kirim lagi beberapa menit lagi."),
    # Our capacity and our partners.
    "queue-full": N_("Terlalu banyak orang menunggu langkah ini. Kirim lagi sebentar lagi; isian Anda masih di sini."),
    "temporary-reduced-capacity": N_("Layanan sedang sangat ramai. Muat ulang halaman ini sebentar lagi."),
    "busy": N_("Layanan sedang sangat ramai. Kirim lagi sebentar lagi; isian Anda masih di sini."),
    "unavailable": N_("Layanan sedang terganggu. Kirim lagi sebentar lagi; kiriman yang sama dihitung sekali saja."),
    "service-stopping": N_(
        "Layanan sedang terganggu. Kirim lagi sebentar lagi; kiriman yang sama dihitung sekali saja."
    ),
    "effect-unknown": N_("Belum jelas apakah kiriman Anda masuk. Kirim lagi; kiriman yang sama dihitung sekali saja."),
    "partner-error": N_("Layanan lain yang kami perlukan sedang terganggu. Kirim lagi sebentar lagi."),
}

CODE_REASONS: dict[str, str] = {
    "wrong": N_("Kode ini tidak cocok. Periksa pesan terbaru, lalu ketik kodenya lagi."),
    "expired": N_("Kode ini tidak berlaku lagi. Minta kode baru."),
    "too-many-tries": N_("Kode salah diketik terlalu sering. Minta kode baru."),
    "not-sent-yet": N_("Kode Anda masih dalam antrean kirim. Tunggu pesannya, lalu ketik kodenya."),
}
"""By `reason` of code-refused."""

PHOTO_REASONS: dict[str, str] = {
    "wrong-type": N_("Berkas ini bukan foto JPG atau PNG. Kirim foto dari kamera ponsel Anda."),
    "unreadable": N_("Foto tidak dapat dibuka. Ambil foto baru, lalu kirim."),
    "too-many-pixels": N_("Ukuran gambar terlalu besar. Ambil foto dengan resolusi lebih rendah, lalu kirim."),
}
"""By the reason of a photo that was refused after its upload."""

FAULTS: dict[str, str] = {
    "missing": N_("Isi kolom ini."),
    "empty": N_("Isi kolom ini."),
    "unknown-field": N_("Kolom ini tidak dikenal. Muat ulang halaman ini, lalu kirim lagi."),
    "unknown-value": N_("Pilih salah satu yang tersedia."),
    "wrong-type": N_("Isian ini tidak dapat dibaca. Periksa, lalu kirim lagi."),
    "wrong-format": N_("Isian ini tidak dapat dibaca. Periksa, lalu kirim lagi."),
    "too-long": N_("Isian ini terlalu panjang. Persingkat."),
    "too-short": N_("Isi kolom ini."),
    "out-of-range": N_("Angka ini terlalu kecil atau terlalu besar. Periksa lagi."),
    "invalid-character": N_("Isian ini memuat tanda yang tidak dapat disimpan. Ketik ulang tanpa tanda itu."),
    "impossible-date": N_("Tanggal ini tidak mungkin. Periksa lagi."),
    "impossible-serial": N_("Empat angka terakhir tidak mungkin 0000. Periksa lagi."),
    "not-16-digits": N_("Ketik 16 angka."),
    "not-a-code": N_("Ketik 6 angka dari pesan yang Anda terima."),
    "not-a-claim-code": N_("Ketik 12 huruf dan angka dari SMS undangan."),
    "not-a-mobile-number": N_("Ketik nomor ponsel Indonesia, misalnya 0812 3456 789."),
    "not-an-account": N_("Ketik nomor rekening bank 10 angka, atau nomor ponsel dompet digital."),
    "not-an-email-address": N_("Ketik alamat surel lengkap, misalnya nama@contoh.id."),
    "unknown-area": N_("Kode wilayah ini tidak ada. Periksa lagi."),
    "other-province": N_("Pilih kabupaten atau kota di provinsi yang dipilih."),
    "not-a-ticket": N_("Ketik tiket 32 angka dan huruf dari bukti pendaftaran Anda."),
    "not-in-draw": N_("Tiket ini tidak ikut diundi dalam gelombang ini. Periksa tiket dan gelombangnya."),
    "unknown-complaint": N_("Nomor dan kode rahasia ini tidak cocok. Periksa keduanya."),
    "unsupported": N_("Pilih foto JPG atau PNG."),
    "malformed": N_("Foto tidak terkirim dengan benar. Pilih fotonya lagi."),
    "unknown": N_("Foto ini tidak dikenal. Mulai lagi dari halaman status."),
}
"""By code, for fields that have no words of their own below."""

FIELD_FAULTS: dict[str, dict[str, str]] = {
    "name": {"missing": N_("Ketik nama lengkap Anda.")},
    "phone": {"missing": N_("Ketik nomor ponsel Anda.")},
    "email": {"missing": N_("Ketik alamat surel Anda.")},
    "access_code": {"missing": N_("Ketik kode akses loket.")},
    "label": {"missing": N_("Ketik tanda untuk pelamar ini.")},
    "contact": {"missing": N_("Ketik nomor ponsel atau alamat surel akun Anda.")},
    "code": {"missing": N_("Ketik kode 6 angka dari pesan yang Anda terima.")},
    "nik": {
        "missing": N_("Ketik NIK Anda."),
        "not-16-digits": N_("NIK terdiri dari 16 angka. Periksa KTP Anda."),
        "unknown-area": N_("Enam angka pertama NIK bukan kode wilayah. Periksa KTP Anda."),
        "impossible-date": N_("Angka ke-7 sampai ke-12 NIK bukan tanggal lahir. Periksa KTP Anda."),
        "impossible-serial": N_("Empat angka terakhir NIK tidak mungkin 0000. Periksa KTP Anda."),
        "too-long": N_("NIK terdiri dari 16 angka. Periksa KTP Anda."),
    },
    "family_card_number": {
        "missing": N_("Ketik nomor Kartu Keluarga Anda."),
        "not-16-digits": N_("Nomor Kartu Keluarga terdiri dari 16 angka. Periksa kartunya."),
        "unknown-area": N_("Enam angka pertama nomor Kartu Keluarga bukan kode wilayah. Periksa kartunya."),
        "impossible-date": N_("Angka ke-7 sampai ke-12 nomor Kartu Keluarga bukan tanggal. Periksa kartunya."),
        "impossible-serial": N_("Empat angka terakhir nomor Kartu Keluarga tidak mungkin 0000. Periksa kartunya."),
        "too-long": N_("Nomor Kartu Keluarga terdiri dari 16 angka. Periksa kartunya."),
    },
    "birth_date": {
        "missing": N_("Isi tanggal lahir Anda."),
        "wrong-format": N_("Isi tanggal lahir dengan hari, bulan, dan tahun, misalnya 17 8 1990."),
        "wrong-type": N_("Isi tanggal lahir dengan hari, bulan, dan tahun, misalnya 17 8 1990."),
        "impossible-date": N_("Tanggal lahir ini tidak mungkin. Periksa KTP Anda."),
    },
    "mother_name": {"missing": N_("Ketik nama ibu kandung Anda.")},
    "education": {"missing": N_("Pilih pendidikan terakhir Anda.")},
    "regency": {
        "missing": N_("Pilih kabupaten atau kota tempat tinggal Anda."),
        "unknown-area": N_("Pilih kabupaten atau kota dari daftar."),
        "wrong-type": N_("Pilih kabupaten atau kota dari daftar."),
        "out-of-range": N_("Pilih kabupaten atau kota dari daftar."),
    },
    "address": {"missing": N_("Ketik alamat tempat tinggal Anda.")},
    "employment_status": {"missing": N_("Pilih keadaan pekerjaan Anda sekarang.")},
    "sector": {"missing": N_("Ketik bidang pekerjaan Anda.")},
    "last_income": {
        "missing": N_("Ketik penghasilan terakhir Anda. Jika tidak ada, ketik 0."),
        "wrong-type": N_("Ketik penghasilan dengan angka saja, misalnya 3.000.000."),
        "wrong-format": N_("Ketik penghasilan dengan angka saja, misalnya 3.000.000."),
        "out-of-range": N_("Penghasilan ini terlalu besar. Ketik rupiah sebulan dengan angka saja."),
    },
    "training_interest": {"missing": N_("Ketik pelatihan yang Anda minati.")},
    "code_by": {"missing": N_("Pilih cara menerima kode.")},
    "payout_method": {"missing": N_("Pilih cara menerima insentif.")},
    "reason": {"missing": N_("Ketik alasan Anda mendaftar.")},
    "wave": {
        "missing": N_("Ketik nomor gelombang."),
        "unknown-value": N_("Gelombang ini tidak ada. Periksa nomornya."),
        "wrong-type": N_("Ketik nomor gelombang dengan angka."),
    },
    "ticket": {"missing": N_("Ketik tiket undian Anda.")},
    "category": {"missing": N_("Pilih tentang apa pengaduan ini.")},
    "text": {
        "missing": N_("Tulis apa yang terjadi."),
        "too-long": N_("Pengaduan paling banyak 2.000 huruf. Persingkat."),
    },
    "complaint_number": {"missing": N_("Ketik nomor pengaduan.")},
    "complaint_secret": {"missing": N_("Ketik kode rahasia pengaduan.")},
    "choice": {"missing": N_("Pilih satu jawaban.")},
    "photo": {
        "missing": N_("Pilih foto lebih dulu."),
        "empty": N_("Foto yang dipilih kosong. Pilih foto lain."),
    },
}

_SAME_AS_MISSING = {"empty", "too-short"}
"""Nothing was typed: an empty line, only spaces, or fewer characters than one."""


def text_of(error: LaunchnightError) -> str:
    """What to do about `error`, in Indonesian."""
    if error.code == "code-refused":
        return CODE_REASONS.get(str(error.facts.get("reason")), ERRORS[error.code])
    return ERRORS.get(error.code, ERRORS["internal-error"])


def text_of_fault(field: str, code: str) -> str:
    """What to do about one field, in Indonesian."""
    own = FIELD_FAULTS.get(field, {})
    if code not in own and code in _SAME_AS_MISSING:
        code = "missing"
    return own.get(code) or FAULTS[code]


RULES: dict[str, str] = {
    "citizen": N_("Dukcapil tidak mengenal warga negara dengan data ini."),
    "age": N_("Program ini untuk orang berusia 18 tahun ke atas."),
    "education": N_("Program ini untuk orang yang tidak sedang sekolah atau kuliah."),
    "assessed": N_("Tes belum dikerjakan."),
    "identity": N_("Dukcapil belum memastikan NIK Anda sebelum gelombang diundi."),
    "grant": N_("Bantuan ini diberikan satu kali seumur hidup, dan Anda sudah menerimanya."),
    "province": N_("Provinsi tempat tinggal Anda belum diisi."),
}
"""Why somebody was not in a draw: a text for each rule of service.domain.eligibility."""
