"""A night is read whole or refused with all its faults, each with file, line and dotted key."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import catalogue
from scenarios.catalogue import Night, NightError
from scenarios.faults import Fault, overlapping
from scenarios.objectives import Objectives

NAME = "prakerja-wave-1"
TEXT = (Path(catalogue.__file__).parent / "nights" / f"{NAME}.toml").read_text()
NIGHT = catalogue.load(NAME)

Refused = Callable[..., list[str]]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Faults of the night with replacements made in its text and more text at its end; file and line as `line:`."""

    def faults(*changes: tuple[str, str], more: str = "") -> list[str]:
        text = TEXT
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} must stand once in the night"
            text = text.replace(old, new)
        path = tmp_path / "night.toml"
        path.write_text(text + more)
        with pytest.raises(NightError) as error:
            catalogue.load(str(path))
        assert all(fault.startswith(f"{path}:") for fault in error.value.faults)
        for fault in error.value.faults:
            assert fault in str(error.value)
        return [fault.removeprefix(f"{path}:") for fault in error.value.faults]

    return faults


def line_of(text: str) -> int:
    """The line of the night's file in which `text` stands."""
    return next(i for i, line in enumerate(TEXT.splitlines(), start=1) if text in line)


def test_night_has_the_figures_of_the_issue() -> None:
    """Partner sets, defaults and prices as they were agreed."""
    assert NAME in catalogue.names()
    launched, prepared = NIGHT.partners["as-launched"], NIGHT.partners["prepared"]
    assert NIGHT.default_set == "prepared"
    assert NIGHT.curve.default == "expected"
    assert list(NIGHT.curve.readings) == ["gentle", "expected", "harsh"]
    assert launched.email.rate_per_s == int(473_634 / (7200 + 1200)) == 56
    assert (prepared.email.rate_per_s, prepared.sms.rate_per_s) == (500.0, 1000.0)
    assert (prepared.civil_registry.rate_per_s, prepared.gate_per_s, launched.gate_per_s) == (15.0, 600.0, -1)
    assert prepared.civil_registry.allowance == ()
    assert NIGHT.demand_factor == 1.0
    assert NIGHT.objectives == Objectives()
    assert NIGHT.funnel[-1].joined == 2_078_026


def test_every_figure_has_source_and_status() -> None:
    """Nothing is told without saying where it is from; facts and assumptions are both there."""
    keys = {figure.key for figure in NIGHT.figures}
    assert {"curve.blocks[0].people", "partners.prepared.email.rate_per_s", "prices.sms_message"} <= keys
    assert {figure.status for figure in NIGHT.figures} == {"fact", "assumption"}
    for figure in NIGHT.figures:
        assert figure.source.split(":")[0] in NIGHT.sources
    ours = [figure for figure in NIGHT.figures if figure.source.split(":")[0] == "own"]
    assert all(figure.status == "assumption" for figure in ours)


def test_a_night_survives_the_run_record() -> None:
    """to_dict is plain JSON, and from_dict gives an equal night back."""
    text = json.dumps(NIGHT.to_dict())
    assert Night.from_dict(json.loads(text)) == NIGHT
    assert json.loads(text)["opens_at"] == "2020-04-11T19:00:00+07:00"
    assert len(text) < 100_000


def test_a_night_is_loaded_by_path_too(tmp_path: Path) -> None:
    """The same file elsewhere is the same night."""
    path = tmp_path / "other.toml"
    path.write_text(TEXT)
    assert catalogue.load(str(path)) == NIGHT


def test_joining_opens_while_the_doors_are_open(refused: Refused) -> None:
    """Neither before people may come nor after they must be gone."""
    doors = "opens_at = 2020-04-11T19:00:00+07:00"
    for hour in ("2020-04-11T18:00:00+07:00", "2020-04-16T16:00:00+07:00"):
        (fault,) = refused((doors, f"joins_open_at = {hour}\n{doors}"))
        assert "joins_open_at: must lie from opens_at to before closes_at" in fault


def test_all_faults_come_at_once(refused: Refused) -> None:
    """Unknown key, wrong unit, negative rate, wrong type, overlap, gap, shares, loosened bound: one report, by line."""
    faults = refused(
        ("gate_per_s = 600.0", "gate_per_minute = 36000.0"),
        ("rate_per_s = 500.0", 'rate_per_s = "500/s"'),
        ("rate_per_s = 1_000.0", "rate_per_s = -1_000.0"),
        ("desktop = 0.08", "desktop = 8"),
        ("api_p95_s = 1.0", "api_p95_s = 2.0"),
        ("start = 2020-04-11T21:00:00+07:00", "start = 2020-04-11T21:30:00+07:00"),
        ("opens_at = 2020-04-11T19:00:00+07:00", "opens_at = 2020-04-11T19:00:00"),
        more="""
[[faults]]
kind = "outage"
target = "email"
start_s = 100
end_s = 200

[[faults]]
kind = "outage"
target = "email"
start_s = 150
end_s = 250
""",
    )
    found = [(int(fault.split(":")[0]), fault.split(":")[1].strip()) for fault in faults]
    last = TEXT.count("\n")
    assert found == [
        (line_of("opens_at ="), "opens_at"),
        (line_of("start = 2020-04-11T21:00"), "curve.blocks[2].start"),
        (line_of("[population.devices]"), "population.devices"),
        (line_of("desktop ="), "population.devices.desktop"),
        (line_of("[partners.prepared]"), "partners.prepared.gate_per_s"),
        (line_of("gate_per_s = 600.0"), "partners.prepared.gate_per_minute"),
        (line_of("rate_per_s = 500.0"), "partners.prepared.email.rate_per_s"),
        (line_of("rate_per_s = 1_000.0"), "partners.prepared.sms.rate_per_s"),
        (line_of("api_p95_s = 1.0"), "objectives.api_p95_s"),
        (last + 11, "faults[1].start_s"),
    ]
    assert any("did you mean gate_per_s?" in fault for fault in faults)
    assert any("must be a number (unit: 1/s), not '500/s'" in fault for fault in faults)
    assert any("at least 0 (unit: 1/s), not -1000.0" in fault for fault in faults)
    assert any("outage of email overlaps faults[0], 100 s to 200 s" in fault for fault in faults)


ONE_FAULT: list[tuple[str, str, str]] = [
    ("rate_per_s = 500.0", "rate_per_s = true", "partners.prepared.email.rate_per_s: must be a number"),
    ("rate_per_s = 500.0", "rate_per_s = nan", "partners.prepared.email.rate_per_s: must be a number"),
    ("rate_per_s = 500.0", "rate_per_s = inf", "partners.prepared.email.rate_per_s: must be a number"),
    ("gate_per_s = 600.0", "gate_per_s = 0", "partners.prepared.gate_per_s: must be more than 0, or -1 for no gate"),
    ("gate_per_s = 600.0", "gate_per_s = -5.0", "partners.prepared.gate_per_s: must be at least -1"),
    ("tries = 5,", "tries = 5.5,", "population.patience.normal.tries: must be a whole number"),
    ("oldest_years = 64", "oldest_years = 6", "population.oldest_years: must not be below youngest_years"),
    ("share = 0.55,", "share = 0.65,", "networks: shares must sum to 1, not 1.1"),
    ('zones = ["WITA", "WIT"]', 'zones = ["WITA", "GMT"]', "networks.poor_east.zones[1]: no such zone"),
    ('zones = ["WITA", "WIT"]', 'zones = ["WIT"]', "networks: profiles bound to zones have more people than zone WIT"),
    ("92 = 7.6", "93 = 7.6", "population.provinces.93: no such province code"),
    ('default_set = "prepared"', 'default_set = "ready"', "default_set: no such partner set"),
    ('default = "expected"', 'default = "wild"', "curve.default: no such reading"),
    ("people = 571_500", "people = 1_571_500", "curve.readings.harsh.people: the 1432133 people until spread_until"),
    ("decay_s = 240.0", "decay_s = 0", "curve.readings.harsh.decay_s: must be more than 0"),
    (
        "value = 1_950_000",
        "value = 1_960_000",
        "curve.anchors[1].total: is 1960000, but the gentle reading has 1950000",
    ),
    ("closes_at = 2020-04-16", "closes_at = 2020-04-10", "closes_at: must be after opens_at"),
    ('source = "kompas-16-april"\n', 'source = "kompas"\n', "funnel[2].registered: source 'kompas' is not explained"),
    ("per_day = 165_000", "count = 1, per_day = 165_000", "allowance[1]: must have either count or per_day"),
    ("start_s = 234_000,", "start_s = 200_000,", "allowance[2].start_s: overlaps the span before"),
    ('title = "As on that night"', "title = 7", "partners.as-launched.title: must be text, not 7"),
    ("[prices]", "[price]", "price: unknown key; did you mean prices?"),
    ("count = 20\n", "count = 1_001\n", "population.photos.count: must be from 1 to 1000"),
    ("median_bytes = 250_000", "median_bytes = 50_000_001", "photos.median_bytes: must be from 0 to 5e+07"),
    ("rate_per_s = 500.0", f"rate_per_s = 0x{'f' * 6_000}", "rate_per_s: must be a number (unit: 1/s), not one that"),
]


@pytest.mark.parametrize(("old", "new", "words"), ONE_FAULT, ids=lambda text: text[:30])
def test_one_fault_is_named(refused: Refused, old: str, new: str, words: str) -> None:
    """Each rule of a night, broken once."""
    assert any(words in fault for fault in refused((old, new)))


@pytest.mark.parametrize("name", ["x/..", "..", "", "/tmp/x", "a b", "Ab", "-a", "a\\n", "a" * 65])
def test_a_name_that_is_no_file_name_is_refused(refused: Refused, name: str) -> None:
    """Run folders are called after a night, and removed by that name."""
    (fault,) = refused((f'name = "{NAME}"', f'name = "{name}"'))
    assert fault.startswith(f"{line_of('name =')}: name: must be 1 to 64 of a-z, 0-9 and -")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('source = "own: rounded list prices', 'source = 5 # "', "prices.source: must be text, not 5"),
        ('source = "own: profiles after opensignal-2019"', "source = {}", "networks.source: must be text, not {}"),
        ('only"\nstatus = "assumption"', 'only"\nstatus = ["fact"]', "status: must be text, not ['fact']"),
        ('taken as used up", status = "assumption"', 'taken as used up", status = 1', "assessment_s.status: must be"),
    ],
)
def test_source_and_status_are_text(refused: Refused, old: str, new: str, place: str) -> None:
    """Refused once, where they stand, however many figures they are for."""
    (fault,) = refused((old, new))
    assert place in fault
    line = TEXT.count("\n", 0, TEXT.index(old) + old.rfind("\n") + 1) + 1
    assert fault.startswith(f"{line}: ")


@pytest.mark.parametrize(
    ("kind", "factor", "words"),
    [
        ("slow", None, "missing: without it"),
        ("errors", None, "missing: without it"),
        ("throttled", None, "missing: without it"),
        ("failing", None, "missing: without it"),
        ("silent", 1.5, "of kind silent must be from 0 to 1, not 1.5"),
        ("slow", 0.5, "of kind slow must be at least 1, not 0.5"),
        ("errors", 1.5, "of kind errors must be from 0 to 1, not 1.5"),
        ("throttled", 2, "of kind throttled must be from 0 to 1, not 2"),
        ("throttled", -1, "must be at least 0"),
    ],
)
def test_faults_have_a_factor_that_makes_sense(refused: Refused, kind: str, factor: float | None, words: str) -> None:
    """Without one a fault would do nothing, or the opposite of its name."""
    more = f'[[faults]]\nkind = "{kind}"\ntarget = "sms"\nstart_s = 0\nend_s = 9\n'
    (fault,) = refused(more=more if factor is None else f"{more}factor = {factor}\n")
    place = TEXT.count("\n") + (1 if factor is None else 6)
    assert fault.startswith(f"{place}: faults[0].factor: ")
    assert words in fault


def test_an_outage_needs_no_factor(tmp_path: Path) -> None:
    path = tmp_path / "night.toml"
    path.write_text(TEXT + '[[faults]]\nkind = "outage"\ntarget = "sms"\nstart_s = 0\nend_s = 9\n')
    night = catalogue.load(str(path))
    assert Night.from_dict(night.to_dict()) == night


def test_hours_of_the_day_are_24(refused: Refused) -> None:
    """A missing hour would shift all that follow."""
    (fault,) = refused(("1.00, 0.70,\n", "1.00,\n"))
    assert fault.startswith(f"{line_of('hourly_weights')}: population.retries.hourly_weights: must have 24 weights")


def test_what_is_said_of_peoples_trouble_must_fit_together(refused: Refused) -> None:
    """A device nobody has, an age that nobody reaches, thinking that takes no time, a day without an hour."""
    weights = TEXT[TEXT.index("hourly_weights = [") :]
    weights = weights[: weights.index("]") + 1]
    faults = refused(
        ("opera = 0.3\n", "opra = 0.3\n"),
        ("from_years = 40", "from_years = 70"),
        ("think_factor = 1.5", "think_factor = 0"),
        (weights, f"hourly_weights = [{'0, ' * 24}]"),
    )
    words = "\n".join(faults)
    assert "population.browsers.low_memory.opra: no such device; there are chrome_android, opera," in words
    assert "population.older.from_years: must be from youngest_years to oldest_years" in words
    assert "population.older.think_factor: must be more than 0" in words
    assert "population.retries.hourly_weights: must sum to more than 0" in words
    assert len(faults) == 4


def test_a_figure_without_source_is_refused(refused: Refused) -> None:
    """Also one whose status is neither fact nor assumption."""
    faults = refused(
        ('source = "own: rounded list prices', 'remark = "own: rounded list prices'),
        ('only"\nstatus = "assumption"', 'only"\nstatus = "perhaps"'),
    )
    assert sum("has no source" in fault for fault in faults) == 6
    assert sum("has no status" in fault for fault in faults) == 6


def test_loosening_an_objective_needs_a_reason(tmp_path: Path) -> None:
    """With a reason it is accepted and kept; tightening needs none; a reason for nothing is refused."""
    path = tmp_path / "night.toml"
    loose = TEXT.replace("api_p95_s = 1.0", "api_p95_s = 2.0")
    path.write_text(loose + '\n[objective_reasons]\napi_p95_s = "old phones"\n')
    night = catalogue.load(str(path))
    assert (night.objectives.api_p95_s, night.objective_reasons) == (2.0, {"api_p95_s": "old phones"})
    path.write_text(TEXT.replace("api_p95_s = 1.0", "api_p95_s = 0.5"))
    assert catalogue.load(str(path)).objectives.api_p95_s == 0.5
    path.write_text(TEXT + '\n[objective_reasons]\nspeed = "why"\n')
    with pytest.raises(NightError, match=r"objective_reasons\.speed"):
        catalogue.load(str(path))


def test_objectives_left_out_have_their_default(tmp_path: Path) -> None:
    """A night need not repeat them."""
    path = tmp_path / "night.toml"
    start, end = TEXT.index("[objectives]"), TEXT.index("[prices]")
    path.write_text(TEXT[:start] + TEXT[end:])
    assert catalogue.load(str(path)).objectives == NIGHT.objectives


def test_faults_of_other_kinds_or_targets_may_coincide(tmp_path: Path) -> None:
    """So may one that begins when its like has ended."""
    path = tmp_path / "night.toml"
    spans = (
        ("outage", "email", 0, 60),
        ("outage", "sms", 0, 60),
        ("slow", "email", 0, 60),
        ("outage", "email", 60, 90),
    )
    lines = [
        f'[[faults]]\nkind = "{k}"\ntarget = "{t}"\nstart_s = {a}\nend_s = {b}\nfactor = 2' for k, t, a, b in spans
    ]
    path.write_text(TEXT + "\n".join(["", *lines, ""]))
    assert [fault.end_s for fault in catalogue.load(str(path)).faults] == [60, 60, 60, 90]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_overlaps_are_found_as_by_comparing_every_pair(spans: list[tuple[int, int]]) -> None:
    """On random faults of one kind on one target."""
    faults = [Fault("slow", "sms", start, start + length, 2.0) for start, length in spans]
    found = {frozenset(pair) for pair in overlapping(faults)}
    pairs = [(i, j) for i in range(len(faults)) for j in range(i)]
    shared = {
        frozenset(pair) for pair in pairs if max(faults[k].start_s for k in pair) < min(faults[k].end_s for k in pair)
    }
    assert found == shared


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name = \n", ":1: not valid TOML: Invalid value"),
        (b"name = 'x'\n\nname = 'y'\n", ":3: not valid TOML"),
        (b"[curve", ":1: not valid TOML"),
        (b"\xff\xfe", ": is not UTF-8 text"),
        (b"", ":1: name: missing"),
        (b"name = " + b"9" * 6_000, ": not a night: Exceeds the limit"),
        (b"name = " + b"[" * 3_000 + b"]" * 3_000, ": is nested too deeply"),
        (b"curve = 7\nfaults = {}\nobjectives = 1\nnetworks = [1]\n", ":1: curve: must be a table"),
    ],
)
def test_files_that_are_no_night(tmp_path: Path, content: bytes, words: str) -> None:
    """Broken TOML, no text, an empty file, values of the wrong shape: named by file and line, never a traceback."""
    path = tmp_path / "night.toml"
    path.write_bytes(content)
    with pytest.raises(NightError) as error:
        catalogue.load(str(path))
    assert f"{path}{words}" in str(error.value)


def test_unknown_names_and_missing_files(tmp_path: Path) -> None:
    """The nights there are, or why the file cannot be read."""
    with pytest.raises(NightError, match=r"there are .*prakerja-wave-1"):
        catalogue.load("wave-2")
    with pytest.raises(NightError, match="No such file"):
        catalogue.load(str(tmp_path / "none.toml"))
    with pytest.raises(NightError, match="Is a directory"):
        catalogue.load(f"{tmp_path}/")


def test_a_record_of_something_else_is_no_night() -> None:
    """from_dict names what is wrong instead of failing on it."""
    with pytest.raises(NightError, match="run record: curve: must be a table"):
        Night.from_dict({**NIGHT.to_dict(), "curve": []})


def test_changed_nights_can_be_recorded() -> None:
    """A night with faults and loosened objectives, as a drill makes one, survives the record too."""
    changed = replace(
        NIGHT,
        faults=(Fault("slow", "sms", 10.0, 20.0, 3.0),),
        objectives=replace(NIGHT.objectives, lost=1.0),
        objective_reasons={"lost": "a drill"},
    )
    assert Night.from_dict(json.loads(json.dumps(changed.to_dict()))) == changed


NIGHT_FAULT = '[[faults]]\nkind = "{}"\ntarget = "{}"\nstart_s = 0\nend_s = 9\n'


@pytest.mark.parametrize(
    ("kind", "target", "more", "key", "words"),
    [
        ("killed", "sms", "", "target", "of kind killed must be one of web, worker, gatekeeper, database, proxy"),
        ("outage", "web", "", "target", "of kind outage must be one of civil_registry, email, sms, not 'web'"),
        ("reset", "database", "", "target", "must be one of applicants_link, database_link"),
        ("latency", "database_link", "", "delay_s", "a fault of kind latency needs it, above 0"),
        ("bandwidth", "database_link", "delay_s = 1\nrate_bytes_per_s = 9", "delay_s", "means nothing"),
        ("killed", "web", "delay_s = 1", "delay_s", "means nothing for a fault of kind killed"),
        ("killed", "web", "factor = 0.5", "factor", "means nothing for a fault of kind killed"),
        ("killed", "web", "toxicity = 0.5", "toxicity", "means nothing for a fault of kind killed"),
        ("down", "database_link", 'direction = "upstream"', "direction", "means nothing for a fault of kind down"),
        ("reset", "database_link", "toxicity = 0", "toxicity", "must be more than 0"),
        ("reset", "database_link", "toxicity = 1.5", "toxicity", "must be from 0 to 1"),
        ("slicer", "applicants_link", "size_bytes = 70000", "size_bytes", "must be from 0 to 65536"),
        ("reset", "applicants_link", 'direction = "sideways"', "direction", "must be one of downstream, upstream"),
    ],
)
def test_faults_of_processes_and_links_fit_their_target(
    refused: Refused, kind: str, target: str, more: str, key: str, words: str
) -> None:
    """What would mean nothing is refused: who wrote it had something else in mind."""
    (fault,) = refused(more=NIGHT_FAULT.format(kind, target) + more + "\n")
    assert f": faults[0].{key}: " in fault and words in fault


def test_faults_of_processes_and_links_survive_the_record(tmp_path: Path) -> None:
    path = tmp_path / "night.toml"
    latency = 'delay_s = 0.2\njitter_s = 0.1\ntoxicity = 0.5\ndirection = "upstream"\n'
    spoiled = NIGHT_FAULT.format("latency", "database_link") + latency
    path.write_text(TEXT + NIGHT_FAULT.format("killed", "web") + spoiled)
    night = catalogue.load(str(path))
    assert night.faults == (
        Fault("killed", "web", 0.0, 9.0),
        Fault("latency", "database_link", 0.0, 9.0, direction="upstream", toxicity=0.5, delay_s=0.2, jitter_s=0.1),
    )
    assert Night.from_dict(json.loads(json.dumps(night.to_dict()))) == night


def test_a_process_is_broken_in_one_way_at_a_time(refused: Refused) -> None:
    """It cannot be stopped while it is gone; two kinds on one link do go together."""
    kinds = (("killed", "web"), ("stopped", "web"), ("reset", "database_link"), ("black_hole", "database_link"))
    (fault,) = refused(more="".join(NIGHT_FAULT.format(*kind) for kind in kinds))
    assert "stopped of web overlaps faults[0], 0 s to 9 s of the same process" in fault
