"""Regencies (kabupaten) and cities (kota) as of 2020: the code of the Ministry of Home Affairs and the name.

The code is province, then two digits: 01 to 69 a regency, 71 to 99 a city. 514 in 34 provinces, as the ministry's
regulation 72 of 2019 lists them; taken from the transcript at github.com/kodewilayah/explorer (dagri2019), spelled out
where the transcript runs words together, and counted per province against the ministry's totals in the test.
"""

from service.domain.regions import PROVINCES

REGENCIES: dict[int, str] = {
    # Aceh
    1101: "Aceh Selatan", 1102: "Aceh Tenggara", 1103: "Aceh Timur", 1104: "Aceh Tengah", 1105: "Aceh Barat",
    1106: "Aceh Besar", 1107: "Pidie", 1108: "Aceh Utara", 1109: "Simeulue", 1110: "Aceh Singkil", 1111: "Bireuen",
    1112: "Aceh Barat Daya", 1113: "Gayo Lues", 1114: "Aceh Jaya", 1115: "Nagan Raya", 1116: "Aceh Tamiang",
    1117: "Bener Meriah", 1118: "Pidie Jaya", 1171: "Banda Aceh", 1172: "Sabang", 1173: "Lhokseumawe", 1174: "Langsa",
    1175: "Subulussalam",
    # Sumatera Utara
    1201: "Tapanuli Tengah", 1202: "Tapanuli Utara", 1203: "Tapanuli Selatan", 1204: "Nias", 1205: "Langkat",
    1206: "Karo", 1207: "Deli Serdang", 1208: "Simalungun", 1209: "Asahan", 1210: "Labuhanbatu", 1211: "Dairi",
    1212: "Toba Samosir", 1213: "Mandailing Natal", 1214: "Nias Selatan", 1215: "Pakpak Bharat",
    1216: "Humbang Hasundutan", 1217: "Samosir", 1218: "Serdang Bedagai", 1219: "Batu Bara",
    1220: "Padang Lawas Utara", 1221: "Padang Lawas", 1222: "Labuhanbatu Selatan", 1223: "Labuhanbatu Utara",
    1224: "Nias Utara", 1225: "Nias Barat", 1271: "Medan", 1272: "Pematangsiantar", 1273: "Sibolga",
    1274: "Tanjungbalai", 1275: "Binjai", 1276: "Tebing Tinggi", 1277: "Padangsidimpuan", 1278: "Gunungsitoli",
    # Sumatera Barat
    1301: "Pesisir Selatan", 1302: "Solok", 1303: "Sijunjung", 1304: "Tanah Datar", 1305: "Padang Pariaman",
    1306: "Agam", 1307: "Lima Puluh Kota", 1308: "Pasaman", 1309: "Kepulauan Mentawai", 1310: "Dharmasraya",
    1311: "Solok Selatan", 1312: "Pasaman Barat", 1371: "Padang", 1372: "Solok", 1373: "Sawahlunto",
    1374: "Padang Panjang", 1375: "Bukittinggi", 1376: "Payakumbuh", 1377: "Pariaman",
    # Riau
    1401: "Kampar", 1402: "Indragiri Hulu", 1403: "Bengkalis", 1404: "Indragiri Hilir", 1405: "Pelalawan",
    1406: "Rokan Hulu", 1407: "Rokan Hilir", 1408: "Siak", 1409: "Kuantan Singingi", 1410: "Kepulauan Meranti",
    1471: "Pekanbaru", 1472: "Dumai",
    # Jambi
    1501: "Kerinci", 1502: "Merangin", 1503: "Sarolangun", 1504: "Batanghari", 1505: "Muaro Jambi",
    1506: "Tanjung Jabung Barat", 1507: "Tanjung Jabung Timur", 1508: "Bungo", 1509: "Tebo", 1571: "Jambi",
    1572: "Sungai Penuh",
    # Sumatera Selatan
    1601: "Ogan Komering Ulu", 1602: "Ogan Komering Ilir", 1603: "Muara Enim", 1604: "Lahat", 1605: "Musi Rawas",
    1606: "Musi Banyuasin", 1607: "Banyuasin", 1608: "Ogan Komering Ulu Timur", 1609: "Ogan Komering Ulu Selatan",
    1610: "Ogan Ilir", 1611: "Empat Lawang", 1612: "Penukal Abab Lematang Ilir", 1613: "Musi Rawas Utara",
    1671: "Palembang", 1672: "Pagar Alam", 1673: "Lubuklinggau", 1674: "Prabumulih",
    # Bengkulu
    1701: "Bengkulu Selatan", 1702: "Rejang Lebong", 1703: "Bengkulu Utara", 1704: "Kaur", 1705: "Seluma",
    1706: "Mukomuko", 1707: "Lebong", 1708: "Kepahiang", 1709: "Bengkulu Tengah", 1771: "Bengkulu",
    # Lampung
    1801: "Lampung Selatan", 1802: "Lampung Tengah", 1803: "Lampung Utara", 1804: "Lampung Barat",
    1805: "Tulang Bawang", 1806: "Tanggamus", 1807: "Lampung Timur", 1808: "Way Kanan", 1809: "Pesawaran",
    1810: "Pringsewu", 1811: "Mesuji", 1812: "Tulang Bawang Barat", 1813: "Pesisir Barat", 1871: "Bandar Lampung",
    1872: "Metro",
    # Bangka Belitung
    1901: "Bangka", 1902: "Belitung", 1903: "Bangka Selatan", 1904: "Bangka Tengah", 1905: "Bangka Barat",
    1906: "Belitung Timur", 1971: "Pangkalpinang",
    # Kepulauan Riau
    2101: "Bintan", 2102: "Karimun", 2103: "Natuna", 2104: "Lingga", 2105: "Kepulauan Anambas", 2171: "Batam",
    2172: "Tanjungpinang",
    # DKI Jakarta
    3101: "Kepulauan Seribu", 3171: "Jakarta Pusat", 3172: "Jakarta Utara", 3173: "Jakarta Barat",
    3174: "Jakarta Selatan", 3175: "Jakarta Timur",
    # Jawa Barat
    3201: "Bogor", 3202: "Sukabumi", 3203: "Cianjur", 3204: "Bandung", 3205: "Garut", 3206: "Tasikmalaya",
    3207: "Ciamis", 3208: "Kuningan", 3209: "Cirebon", 3210: "Majalengka", 3211: "Sumedang", 3212: "Indramayu",
    3213: "Subang", 3214: "Purwakarta", 3215: "Karawang", 3216: "Bekasi", 3217: "Bandung Barat", 3218: "Pangandaran",
    3271: "Bogor", 3272: "Sukabumi", 3273: "Bandung", 3274: "Cirebon", 3275: "Bekasi", 3276: "Depok", 3277: "Cimahi",
    3278: "Tasikmalaya", 3279: "Banjar",
    # Jawa Tengah
    3301: "Cilacap", 3302: "Banyumas", 3303: "Purbalingga", 3304: "Banjarnegara", 3305: "Kebumen", 3306: "Purworejo",
    3307: "Wonosobo", 3308: "Magelang", 3309: "Boyolali", 3310: "Klaten", 3311: "Sukoharjo", 3312: "Wonogiri",
    3313: "Karanganyar", 3314: "Sragen", 3315: "Grobogan", 3316: "Blora", 3317: "Rembang", 3318: "Pati",
    3319: "Kudus", 3320: "Jepara", 3321: "Demak", 3322: "Semarang", 3323: "Temanggung", 3324: "Kendal",
    3325: "Batang", 3326: "Pekalongan", 3327: "Pemalang", 3328: "Tegal", 3329: "Brebes", 3371: "Magelang",
    3372: "Surakarta", 3373: "Salatiga", 3374: "Semarang", 3375: "Pekalongan", 3376: "Tegal",
    # DI Yogyakarta
    3401: "Kulon Progo", 3402: "Bantul", 3403: "Gunungkidul", 3404: "Sleman", 3471: "Yogyakarta",
    # Jawa Timur
    3501: "Pacitan", 3502: "Ponorogo", 3503: "Trenggalek", 3504: "Tulungagung", 3505: "Blitar", 3506: "Kediri",
    3507: "Malang", 3508: "Lumajang", 3509: "Jember", 3510: "Banyuwangi", 3511: "Bondowoso", 3512: "Situbondo",
    3513: "Probolinggo", 3514: "Pasuruan", 3515: "Sidoarjo", 3516: "Mojokerto", 3517: "Jombang", 3518: "Nganjuk",
    3519: "Madiun", 3520: "Magetan", 3521: "Ngawi", 3522: "Bojonegoro", 3523: "Tuban", 3524: "Lamongan",
    3525: "Gresik", 3526: "Bangkalan", 3527: "Sampang", 3528: "Pamekasan", 3529: "Sumenep", 3571: "Kediri",
    3572: "Blitar", 3573: "Malang", 3574: "Probolinggo", 3575: "Pasuruan", 3576: "Mojokerto", 3577: "Madiun",
    3578: "Surabaya", 3579: "Batu",
    # Banten
    3601: "Pandeglang", 3602: "Lebak", 3603: "Tangerang", 3604: "Serang", 3671: "Tangerang", 3672: "Cilegon",
    3673: "Serang", 3674: "Tangerang Selatan",
    # Bali
    5101: "Jembrana", 5102: "Tabanan", 5103: "Badung", 5104: "Gianyar", 5105: "Klungkung", 5106: "Bangli",
    5107: "Karangasem", 5108: "Buleleng", 5171: "Denpasar",
    # Nusa Tenggara Barat
    5201: "Lombok Barat", 5202: "Lombok Tengah", 5203: "Lombok Timur", 5204: "Sumbawa", 5205: "Dompu", 5206: "Bima",
    5207: "Sumbawa Barat", 5208: "Lombok Utara", 5271: "Mataram", 5272: "Bima",
    # Nusa Tenggara Timur
    5301: "Kupang", 5302: "Timor Tengah Selatan", 5303: "Timor Tengah Utara", 5304: "Belu", 5305: "Alor",
    5306: "Flores Timur", 5307: "Sikka", 5308: "Ende", 5309: "Ngada", 5310: "Manggarai", 5311: "Sumba Timur",
    5312: "Sumba Barat", 5313: "Lembata", 5314: "Rote Ndao", 5315: "Manggarai Barat", 5316: "Nagekeo",
    5317: "Sumba Tengah", 5318: "Sumba Barat Daya", 5319: "Manggarai Timur", 5320: "Sabu Raijua", 5321: "Malaka",
    5371: "Kupang",
    # Kalimantan Barat
    6101: "Sambas", 6102: "Mempawah", 6103: "Sanggau", 6104: "Ketapang", 6105: "Sintang", 6106: "Kapuas Hulu",
    6107: "Bengkayang", 6108: "Landak", 6109: "Sekadau", 6110: "Melawi", 6111: "Kayong Utara", 6112: "Kubu Raya",
    6171: "Pontianak", 6172: "Singkawang",
    # Kalimantan Tengah
    6201: "Kotawaringin Barat", 6202: "Kotawaringin Timur", 6203: "Kapuas", 6204: "Barito Selatan",
    6205: "Barito Utara", 6206: "Katingan", 6207: "Seruyan", 6208: "Sukamara", 6209: "Lamandau", 6210: "Gunung Mas",
    6211: "Pulang Pisau", 6212: "Murung Raya", 6213: "Barito Timur", 6271: "Palangka Raya",
    # Kalimantan Selatan
    6301: "Tanah Laut", 6302: "Kotabaru", 6303: "Banjar", 6304: "Barito Kuala", 6305: "Tapin",
    6306: "Hulu Sungai Selatan", 6307: "Hulu Sungai Tengah", 6308: "Hulu Sungai Utara", 6309: "Tabalong",
    6310: "Tanah Bumbu", 6311: "Balangan", 6371: "Banjarmasin", 6372: "Banjarbaru",
    # Kalimantan Timur
    6401: "Paser", 6402: "Kutai Kartanegara", 6403: "Berau", 6407: "Kutai Barat", 6408: "Kutai Timur",
    6409: "Penajam Paser Utara", 6411: "Mahakam Ulu", 6471: "Balikpapan", 6472: "Samarinda", 6474: "Bontang",
    # Kalimantan Utara
    6501: "Bulungan", 6502: "Malinau", 6503: "Nunukan", 6504: "Tana Tidung", 6571: "Tarakan",
    # Sulawesi Utara
    7101: "Bolaang Mongondow", 7102: "Minahasa", 7103: "Kepulauan Sangihe", 7104: "Kepulauan Talaud",
    7105: "Minahasa Selatan", 7106: "Minahasa Utara", 7107: "Minahasa Tenggara", 7108: "Bolaang Mongondow Utara",
    7109: "Kepulauan Siau Tagulandang Biaro", 7110: "Bolaang Mongondow Timur", 7111: "Bolaang Mongondow Selatan",
    7171: "Manado", 7172: "Bitung", 7173: "Tomohon", 7174: "Kotamobagu",
    # Sulawesi Tengah
    7201: "Banggai", 7202: "Poso", 7203: "Donggala", 7204: "Tolitoli", 7205: "Buol", 7206: "Morowali",
    7207: "Banggai Kepulauan", 7208: "Parigi Moutong", 7209: "Tojo Una-Una", 7210: "Sigi", 7211: "Banggai Laut",
    7212: "Morowali Utara", 7271: "Palu",
    # Sulawesi Selatan
    7301: "Kepulauan Selayar", 7302: "Bulukumba", 7303: "Bantaeng", 7304: "Jeneponto", 7305: "Takalar", 7306: "Gowa",
    7307: "Sinjai", 7308: "Bone", 7309: "Maros", 7310: "Pangkajene dan Kepulauan", 7311: "Barru", 7312: "Soppeng",
    7313: "Wajo", 7314: "Sidenreng Rappang", 7315: "Pinrang", 7316: "Enrekang", 7317: "Luwu", 7318: "Tana Toraja",
    7322: "Luwu Utara", 7324: "Luwu Timur", 7326: "Toraja Utara", 7371: "Makassar", 7372: "Parepare", 7373: "Palopo",
    # Sulawesi Tenggara
    7401: "Kolaka", 7402: "Konawe", 7403: "Muna", 7404: "Buton", 7405: "Konawe Selatan", 7406: "Bombana",
    7407: "Wakatobi", 7408: "Kolaka Utara", 7409: "Konawe Utara", 7410: "Buton Utara", 7411: "Kolaka Timur",
    7412: "Konawe Kepulauan", 7413: "Muna Barat", 7414: "Buton Tengah", 7415: "Buton Selatan", 7471: "Kendari",
    7472: "Baubau",
    # Gorontalo
    7501: "Gorontalo", 7502: "Boalemo", 7503: "Bone Bolango", 7504: "Pohuwato", 7505: "Gorontalo Utara",
    7571: "Gorontalo",
    # Sulawesi Barat
    7601: "Pasangkayu", 7602: "Mamuju", 7603: "Mamasa", 7604: "Polewali Mandar", 7605: "Majene",
    7606: "Mamuju Tengah",
    # Maluku
    8101: "Maluku Tengah", 8102: "Maluku Tenggara", 8103: "Kepulauan Tanimbar", 8104: "Buru",
    8105: "Seram Bagian Timur", 8106: "Seram Bagian Barat", 8107: "Kepulauan Aru", 8108: "Maluku Barat Daya",
    8109: "Buru Selatan", 8171: "Ambon", 8172: "Tual",
    # Maluku Utara
    8201: "Halmahera Barat", 8202: "Halmahera Tengah", 8203: "Halmahera Utara", 8204: "Halmahera Selatan",
    8205: "Kepulauan Sula", 8206: "Halmahera Timur", 8207: "Pulau Morotai", 8208: "Pulau Taliabu", 8271: "Ternate",
    8272: "Tidore Kepulauan",
    # Papua
    9101: "Merauke", 9102: "Jayawijaya", 9103: "Jayapura", 9104: "Nabire", 9105: "Kepulauan Yapen",
    9106: "Biak Numfor", 9107: "Puncak Jaya", 9108: "Paniai", 9109: "Mimika", 9110: "Sarmi", 9111: "Keerom",
    9112: "Pegunungan Bintang", 9113: "Yahukimo", 9114: "Tolikara", 9115: "Waropen", 9116: "Boven Digoel",
    9117: "Mappi", 9118: "Asmat", 9119: "Supiori", 9120: "Mamberamo Raya", 9121: "Mamberamo Tengah", 9122: "Yalimo",
    9123: "Lanny Jaya", 9124: "Nduga", 9125: "Puncak", 9126: "Dogiyai", 9127: "Intan Jaya", 9128: "Deiyai",
    9171: "Jayapura",
    # Papua Barat
    9201: "Sorong", 9202: "Manokwari", 9203: "Fakfak", 9204: "Sorong Selatan", 9205: "Raja Ampat",
    9206: "Teluk Bintuni", 9207: "Teluk Wondama", 9208: "Kaimana", 9209: "Tambrauw", 9210: "Maybrat",
    9211: "Manokwari Selatan", 9212: "Pegunungan Arfak", 9271: "Sorong",
}  # fmt: skip
"""Four digits -> name without the word regency or city; a regency and a city may share a name."""

_FIRST_CITY = 71


def is_city(code: int) -> bool:
    return code % 100 >= _FIRST_CITY


def regency_name(code: int) -> str:
    """The name as people say it: "Kab. Bogor" and "Kota Bogor" are two places. Raises KeyError for a code unknown."""
    return f"{'Kota' if is_city(code) else 'Kab.'} {REGENCIES[code]}"


def by_province() -> list[tuple[str, list[tuple[int, str]]]]:
    """Every place to choose from: the provinces by name, in each the regencies and then the cities by name."""
    order = sorted(REGENCIES, key=lambda code: (is_city(code), REGENCIES[code]))
    return [
        (name, [(code, regency_name(code)) for code in order if code // 100 == province])
        for province, name in sorted(PROVINCES.items(), key=lambda item: item[1])
    ]
