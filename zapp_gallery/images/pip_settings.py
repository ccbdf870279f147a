"""Hands this machine's settings of pip to a build, as secrets that leave nothing in the image."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path

MOUNTED = "/run/secrets"
"""Where a Dockerfile finds its secrets while it runs a command."""

# Where packages come from and how they get here. What else a person has set is about her own pip.
_ADDRESSES = ("index-url", "extra-index-url", "find-links")
_HANDED_ON = (*_ADDRESSES, "trusted-host", "proxy", "timeout", "default-timeout", "retries")

# pip heeds what the library requests does.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_LATER_COUNTS = ("global", "install", ":env:")


def pip_settings() -> dict[str, str]:
    """Return what pip is told on this machine by its files and by the environment.

    Raises subprocess.CalledProcessError when pip cannot read its own files; it has said why.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return parse_settings(output)


def parse_settings(output: str) -> dict[str, str]:
    """Read the lines of ``pip config list``, such as ``global.timeout='60'``."""
    sections: dict[str, dict[str, str]] = {section: {} for section in _LATER_COUNTS}
    for line in output.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in sections:
            sections[section][name] = str(ast.literal_eval(value))
    return {name: value for section in _LATER_COUNTS for name, value in sections[section].items()}


def write_secrets(
    settings: Mapping[str, str], environment: Mapping[str, str], directory: Path
) -> dict[str, Path]:
    """Write what the Dockerfiles mount; return the file of each secret by its name.

    ``pip.conf`` is always there. ``ca.pem`` is, if this machine has certificates of its own: pip's
    setting ``cert``, or one of the variables that it heeds.
    """
    handed_on = {name: settings[name] for name in _HANDED_ON if name in settings}
    for name in _ADDRESSES:
        if name in handed_on:
            handed_on[name] = _reachable(handed_on[name])
    secrets = {"pip.conf": directory / "pip.conf"}
    bundle = settings.get("cert") or next(filter(None, map(environment.get, _BUNDLES)), None)
    if bundle:
        secrets["ca.pem"] = Path(bundle).absolute()
        handed_on["cert"] = f"{MOUNTED}/ca.pem"
    parser = RawConfigParser()
    parser["global"] = {name: value for name, value in handed_on.items() if value}
    with open(secrets["pip.conf"], "w", encoding="utf-8", opener=_private) as file:
        parser.write(file)
    return secrets


def _reachable(addresses: str) -> str:
    """Leave out directories of this machine: a build does not see them."""
    return "\n".join(each for each in addresses.split() if each.startswith(("http://", "https://")))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
