"""docker-compose.yml under the real parser, and what would be dangerous in it."""

import re
from pathlib import Path

import pytest

from loadtests.harness import doctor, secret_files
from loadtests.harness.errors import Refusal
from service import settings
from tests.structure.compose import FILE, SERVICE, document, parsed, services

PROFILES = ((), ("observe",), ("load",), ("observe", "load"))
CORE = {"db", *SERVICE, "proxy", "partners"}
WITHOUT_HEALTH = {"migrate", "swarm-worker"}
"""The one ends, the other serves nothing."""
HEALTH_PROGRAMS = {"python", "psql", "curl", "promtool", "amtool", "wget"}


@pytest.mark.parametrize("profiles", PROFILES, ids=lambda names: "+".join(names) or "core")
def test_the_parser_accepts_every_profile(profiles):
    done = parsed(*(f"--profile={name}" for name in profiles), "config", "--services")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) >= CORE, "what the registration needs carries no profile"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("    healthcheck:\n", "    healtcheck:\n", "healtcheck"),
        ("networks: [database, inside]", "networks: [database, nowhere]", "nowhere"),
        ("secrets: [database-password]", "secrets: [no-such-secret]", "no-such-secret"),
        ("      web: {condition: service_healthy}", "      webb: {condition: service_healthy}", "webb"),
        ("${WEB_REPLICAS:-2}", "${WEB_REPLICAS:?give a number}", "give a number"),
    ],
)
def test_the_parser_refuses_what_is_wrong(right, wrong, said):
    """Negative control: the same file with one slip."""
    assert right in FILE.read_text()
    done = parsed("--profile", "*", "config", "--quiet", text=FILE.read_text().replace(right, wrong, 1))
    assert done.returncode != 0
    assert said in done.stderr


# Secrets


def test_missing_secret_files_are_caught_by_us(tmp_path, monkeypatch):
    """The parser takes a file whose secrets are not there; the doctor names each, with the fix."""
    elsewhere = FILE.read_text().replace("./.launchnight/secrets", str(tmp_path))
    assert parsed("config", "--quiet", text=elsewhere).returncode == 0
    monkeypatch.setattr(secret_files, "FOLDER", tmp_path)
    assert doctor.secrets() == doctor.Lack(f"secrets: {', '.join(secret_files.MAKERS)}", "make secrets")
    secret_files.make(tmp_path)
    assert doctor.secrets() is None
    (tmp_path / "secret-key").unlink()
    assert doctor.secrets() == doctor.Lack("secrets: secret-key", "make secrets")


def test_the_secrets_are_those_that_are_made():
    files = {name: Path(each["file"]) for name, each in document()["secrets"].items()}
    assert files == {name: secret_files.FOLDER / name for name in secret_files.MAKERS}


def test_secrets_are_made_once(tmp_path):
    """A second run changes none; the address holds the password; the service takes the key."""
    folder = tmp_path / "secrets"
    assert secret_files.make(folder) == list(secret_files.MAKERS)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert secret_files.make(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    password = made["database-password"].strip()
    assert made["database-url"].strip() == f"postgresql://app:{password}@db:5432/registration"
    names = {"DATABASE_URL_FILE": "database-url", "REGISTRATION_SECRET_KEY_FILE": "secret-key"}
    loaded = settings.load({name: str(folder / file) for name, file in names.items()})
    assert loaded.secret_key.hex() == made["secret-key"].strip()


def test_only_their_folder_keeps_others_out(tmp_path):
    """The programs in the containers are neither root nor the owner and must read what is mounted into them."""
    folder = tmp_path / "secrets"
    secret_files.make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_secrets_of_another_user_are_named_with_the_fix(tmp_path, monkeypatch):
    """Made by sudo, looked at without: neither `make secrets` nor the doctor stops at our own error."""

    def forbidden(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", forbidden)
    monkeypatch.setattr(secret_files, "FOLDER", tmp_path)
    with pytest.raises(Refusal, match="may not be read"):
        secret_files.make(tmp_path)
    lack = doctor.secrets()
    assert lack is not None and str(tmp_path) in lack.fix and "chown" in lack.fix


def test_an_address_without_its_password_is_refused(tmp_path):
    """A new password would not be the one in the address."""
    secret_files.make(tmp_path)
    (tmp_path / "database-password").unlink()
    with pytest.raises(Refusal, match="remove both"):
        secret_files.make(tmp_path)


def test_no_secret_stands_in_the_environment():
    for name, each in services().items():
        words = {word for word in each.get("environment", {}) if re.search("PASSWORD|SECRET|KEY|DATABASE_URL", word)}
        assert all(word.endswith("_FILE") for word in words), name


# What a container may do


@pytest.mark.parametrize("name", services())
def test_a_container_may_do_no_more_than_it_must(name):
    each = services()[name]
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"] and "cap_add" not in each
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & each.keys()
    assert float(each["cpus"]) > 0 and int(each["mem_limit"]) > 0 and each["pids_limit"] > 0
    assert re.search(r":(?!latest$)[\w.-]+$", each["image"]), "an image is pinned by its tag"


@pytest.mark.parametrize("name", services())
def test_ports_are_of_this_machine_alone(name):
    """And only a container with a port has a way out."""
    each = services()[name]
    assert {port["host_ip"] for port in each.get("ports", [])} <= {"127.0.0.1"}
    assert ("outside" in each["networks"]) == bool(each.get("ports"))


def test_networks_without_ports_are_internal():
    internal = {name: bool(each.get("internal")) for name, each in document()["networks"].items()}
    assert internal == {"database": True, "inside": True, "outside": False}
    assert {name for name, each in services().items() if "database" in each["networks"]} == {"db", *SERVICE}


@pytest.mark.parametrize("name", services())
def test_health_is_asked_without_a_shell(name):
    check = services()[name].get("healthcheck", {})
    if name in WITHOUT_HEALTH:
        assert not check.get("test")
    else:
        assert check["test"][0] == "CMD" and check["test"][1] in HEALTH_PROGRAMS
        assert not [word for word in check["test"] if " " in word], "podman 4 splits words at spaces"


# Starting and ending


def test_what_starts_after_what():
    """Nothing waits for a process that is merely started."""
    order = {
        name: {other: wait["condition"] for other, wait in each.get("depends_on", {}).items()}
        for name, each in services().items()
    }
    assert order["migrate"] == {"db": "service_healthy"}
    for role in ("web", "worker", "gatekeeper"):
        assert order[role].items() >= {"db": "service_healthy", "migrate": "service_completed_successfully"}.items()
    assert order["proxy"] == {"web": "service_healthy"}
    assert not [name for name, waits in order.items() if "service_started" in waits.values()]


@pytest.mark.parametrize("name", services())
def test_the_engine_waits_longer_than_the_service(name):
    """Requests under way may end before the engine kills."""
    grace = next(float(each.default or "nan") for each in settings.TABLE if each.name == "REGISTRATION_STOP_GRACE")
    given = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", services()[name]["stop_grace_period"])
    assert given is not None
    assert 60 * int(given[1] or 0) + int(given[2] or 0) > grace
