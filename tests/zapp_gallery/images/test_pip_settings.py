"""Which settings of pip a build gets, and that it gets them as secrets."""

import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from zapp_gallery.images.docker_command import build_command
from zapp_gallery.images.pip_settings import parse_settings, pip_settings, write_secrets

TOKEN = "example-token"
INDEX = f"https://user:{TOKEN}@packages.example.org/simple"


def written(secrets: dict[str, Path]) -> dict[str, str]:
    """What pip would read from the secret."""
    parser = RawConfigParser()
    parser.read(secrets["pip.conf"])
    return dict(parser["global"])


def test_later_sections_count() -> None:
    output = "\n".join(
        [
            ":env:.timeout='90'",
            "global.index-url='https://one.example.org/simple'",
            "global.timeout='10'",
            "install.index-url='https://two.example.org/simple'",
            "list.format='json'",
        ]
    )
    assert parse_settings(output) == {
        "index-url": "https://two.example.org/simple",
        "timeout": "90",
    }


def test_it_reads_what_pip_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real pip: with quotes and an equals sign in a value."""
    place = tmp_path / "pip.conf"
    place.write_text("[global]\nindex-url = https://one.example.org/a'b?c=d\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(place))
    monkeypatch.setenv("PIP_RETRIES", "7")
    settings = pip_settings()
    assert settings["index-url"] == "https://one.example.org/a'b?c=d"
    assert settings["retries"] == "7"


def test_pip_can_read_what_is_written(tmp_path: Path) -> None:
    addresses = "https://one.example.org/100%25 https://two.example.org/simple"
    secrets = write_secrets({"find-links": addresses, "timeout": "60"}, {}, tmp_path)
    command = [sys.executable, "-m", "pip", "config", "list"]
    variables = {"PIP_CONFIG_FILE": str(secrets["pip.conf"]), "HOME": str(tmp_path)}
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    settings = parse_settings(result.stdout)
    assert settings["find-links"].split() == addresses.split()
    assert settings["timeout"] == "60"


def test_nothing_but_addresses_and_patience_is_handed_on(tmp_path: Path) -> None:
    settings = {"index-url": INDEX, "target": "/home/alice/lib", "user": "true", "retries": "5"}
    assert written(write_secrets(settings, {}, tmp_path)) == {"index-url": INDEX, "retries": "5"}


def test_directories_of_this_machine_are_left_out(tmp_path: Path) -> None:
    settings = {"find-links": f"/srv/wheels\nfile:///srv/more\n{INDEX}", "extra-index-url": "/srv"}
    assert written(write_secrets(settings, {}, tmp_path)) == {"find-links": INDEX}


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        ({"cert": "/etc/site.pem"}, {"REQUESTS_CA_BUNDLE": "/etc/other.pem"}),
        ({}, {"REQUESTS_CA_BUNDLE": "/etc/site.pem", "CURL_CA_BUNDLE": "/etc/other.pem"}),
        ({}, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/etc/site.pem"}),
    ],
)
def test_certificates_of_the_site_are_found(
    settings: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    secrets = write_secrets(settings, environment, tmp_path)
    assert secrets["ca.pem"] == Path("/etc/site.pem")
    assert written(secrets) == {"cert": "/run/secrets/ca.pem"}


def test_without_any_the_image_uses_its_own(tmp_path: Path) -> None:
    secrets = write_secrets({}, {}, tmp_path)
    assert set(secrets) == {"pip.conf"}
    assert written(secrets) == {}


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    secrets = write_secrets({"index-url": INDEX}, {}, tmp_path)
    assert secrets["pip.conf"].stat().st_mode & 0o777 == 0o600


def test_no_secret_is_on_the_command_line(tmp_path: Path) -> None:
    secrets = write_secrets({"index-url": INDEX, "cert": "/etc/site.pem"}, {}, tmp_path)
    command = build_command("zoe/base", Path("/srv/gallery/base"), secrets)
    assert command == [
        "build",
        "--tag",
        "zoe/base",
        f"--secret=id=pip.conf,src={tmp_path}/pip.conf",
        "--secret=id=ca.pem,src=/etc/site.pem",
        "/srv/gallery/base",
    ]
    assert TOKEN not in " ".join(command)
