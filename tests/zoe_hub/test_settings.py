"""What the environment may say, and the one line about what it may not."""

import os
import re
import socket
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.support.ports import free_ports_in_a_row
from zoe_hub.settings import Settings, SettingsError


def test_nothing_said_means_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = Settings(8000, tmp_path / ".zoe", "process", None)
    assert Settings.from_environment({}) == expected
    names = ["PORT", "DIR", "BACKEND", "ADDRESS", "DATABASE_URL", "STANDALONE"]
    empty = {f"ZOE_{name}": "" for name in names}
    assert Settings.from_environment(empty) == expected


def test_all_that_can_be_said() -> None:
    environment = {
        "ZOE_PORT": "65532",
        "ZOE_DIR": "/srv/zoe",
        "ZOE_BACKEND": "fake",
        "ZOE_ADDRESS": "127.0.0.3",
        "ZOE_DATABASE_URL": "postgresql://zoe@db/zoe",
        "ZOE_STANDALONE": "1",
    }
    url = "postgresql+psycopg2://zoe@db/zoe"
    settings = Settings.from_environment(environment)
    expected = Settings(65532, Path("/srv/zoe"), "fake", url, standalone=True, address="127.0.0.3")
    assert settings == expected
    assert settings.standalone_ports() == {"hub": 65533, "traefik": 65534, "portal": 65535}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ZOE_STANDALONE": "yes"}, "ZOE_STANDALONE=yes says neither yes nor no; give 1 or 0"),
        ({"ZOE_STANDALONE": "1"}, "needs ZOE_DATABASE_URL, the address of a Postgres of your own"),
        (
            {"ZOE_STANDALONE": "1", "ZOE_DATABASE_URL": "postgresql:///zoe", "ZOE_PORT": "65533"},
            "ZOE_PORT=65533 is too high for ZOE_STANDALONE=1, which takes the 3 ports after it",
        ),
    ],
)
def test_what_cannot_be_standalone(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment(environment)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80.5", "http", "8000 ", "٨٠٠٠", "9" * 400])
def test_what_is_no_port(port: str) -> None:
    with pytest.raises(SettingsError, match=f"ZOE_PORT={re.escape(port)} .* from 1 to 65535"):
        Settings.from_environment({"ZOE_PORT": port})


def test_an_unknown_back_end_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"ZOE_BACKEND=dokcer is unknown; .* fake, process"):
        Settings.from_environment({"ZOE_BACKEND": "dokcer"})


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.254", "localhost", "::1", "127.0.0.1:80"])
def test_what_is_no_address_of_this_machine(address: str) -> None:
    with pytest.raises(SettingsError, match=rf"ZOE_ADDRESS={re.escape(address)} is no address of"):
        Settings.from_environment({"ZOE_ADDRESS": address})


def interfaces(**addresses: str) -> dict[str, list[SimpleNamespace]]:
    """What psutil says: an address of IPv6 comes first."""
    other = SimpleNamespace(family=socket.AF_INET6, address="fe80::1")
    return {
        name: [other, SimpleNamespace(family=socket.AF_INET, address=address)]
        for name, address in addresses.items()
    }


def test_with_docker_servers_find_us_at_the_bridge_of_its_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = interfaces(lo="127.0.0.1", docker0="127.0.0.9")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: found)
    settings = Settings.from_environment({"ZOE_BACKEND": "docker"})
    assert settings.address == "127.0.0.9"
    assert settings.part_addresses() == {
        "hub": "127.0.0.9",
        "traefik": "127.0.0.1",
        "portal": "127.0.0.9",
    }
    assert Settings.from_environment({}).address == "127.0.0.1"


def test_without_a_bridge_the_address_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: interfaces(lo="127.0.0.1"))
    with pytest.raises(SettingsError, match=r"no network interface docker0.* set ZOE_ADDRESS"):
        Settings.from_environment({"ZOE_BACKEND": "docker"})
    said = {"ZOE_BACKEND": "docker", "ZOE_ADDRESS": "127.0.0.4"}
    assert Settings.from_environment(said).address == "127.0.0.4"


@pytest.mark.parametrize("url", ["junk", "sqlite:///x", "postgresql://host", "://"])
def test_what_is_no_address_of_a_database(url: str) -> None:
    with pytest.raises(SettingsError, match=r"ZOE_DATABASE_URL .* postgresql://user@host/zoe"):
        Settings.from_environment({"ZOE_DATABASE_URL": url})


def test_the_address_of_a_database_gets_the_driver_that_is_installed() -> None:
    settings = Settings.from_environment({"ZOE_DATABASE_URL": "postgresql://ada:s3@db/zoe"})
    assert settings.database_url == "postgresql+psycopg2://ada:s3@db/zoe"


def test_the_directory_is_made_for_us_alone(tmp_path: Path) -> None:
    settings = Settings.from_environment({"ZOE_DIR": str(tmp_path / "a" / "b")})
    settings.make_directory()
    assert settings.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("reason", ["a file is in the way", "no such place", "not ours"])
def test_a_directory_that_we_cannot_use(tmp_path: Path, reason: str) -> None:
    place = {"a file is in the way": tmp_path / "file", "no such place": Path("/proc/zoe")}
    (tmp_path / "file").write_text("")
    directory = place.get(reason, tmp_path / "closed" / "zoe")
    if reason == "not ours":
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere")
        (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(SettingsError, match=f"ZOE_DIR={directory} cannot be"):
        Settings.from_environment({"ZOE_DIR": str(directory)}).make_directory()


def test_a_taken_port_is_found_and_a_free_one_is_not_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings.from_environment({"ZOE_PORT": str(taken.getsockname()[1])})
        with pytest.raises(SettingsError, match=f"port {settings.port} is taken"):
            settings.check_ports()
    settings.check_ports()


@pytest.mark.parametrize(("part", "refused"), [("hub", True), ("traefik", True), ("portal", False)])
def test_of_a_standalone_zoe_the_hub_s_own_ports_must_be_free(part: str, refused: bool) -> None:
    environment = {"ZOE_STANDALONE": "1", "ZOE_DATABASE_URL": "postgresql:///zoe"}
    port = str(free_ports_in_a_row(4))
    settings = Settings.from_environment({**environment, "ZOE_PORT": port})
    settings.check_ports()
    taken = settings.standalone_ports()[part]
    with socket.create_server(("127.0.0.1", taken)):
        if refused:
            with pytest.raises(SettingsError, match=f"port {taken} is taken"):
                settings.check_ports()
        else:
            settings.check_ports()
