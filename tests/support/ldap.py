"""A real LDAP directory for tests: OpenLDAP's ``slapd``, on loopback, with a few people in it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import eventually

SUFFIX = "dc=example,dc=org"

_SETTINGS = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
database mdb
maxsize 10485760
suffix "{suffix}"
directory {directory}/data
access to attrs=userPassword by anonymous auth
access to * by users read
"""

_TREE = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit

dn: ou=groups,{SUFFIX}
objectClass: organizationalUnit
"""


@contextmanager
def running_directory(
    directory: Path, passwords: Mapping[str, str], groups: Mapping[str, list[str]]
) -> Iterator[int]:
    """Serve these people (``uid=…,ou=people``) and groups (``cn=…,ou=groups``); yields the port.

    Skips the test where there is no ``slapd``.
    """
    slapd = shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin")
    if slapd is None:
        pytest.skip("LDAP IS NOT TESTED: there is no slapd")
    (directory / "data").mkdir(parents=True)
    settings = directory / "slapd.conf"
    settings.write_text(_SETTINGS.format(directory=directory, suffix=SUFFIX))
    tree = directory / "tree.ldif"
    people = [_person(name, password) for name, password in passwords.items()]
    tree.write_text("\n".join([_TREE, *people, *(_group(*each) for each in groups.items())]))
    subprocess.run([slapd, "-T", "add", "-f", settings, "-l", tree], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"ldap://127.0.0.1:{port}"
    process = subprocess.Popen([slapd, "-h", url, "-f", settings, "-d", "0"])
    try:
        eventually(lambda: _answers(port, process))
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _person(name: str, password: str) -> str:
    return f"""
dn: uid={name},ou=people,{SUFFIX}
objectClass: inetOrgPerson
cn: {name}
sn: {name}
userPassword: {password}
"""


def _group(name: str, members: list[str]) -> str:
    people = "\n".join(f"member: uid={each},ou=people,{SUFFIX}" for each in members)
    return f"""
dn: cn={name},ou=groups,{SUFFIX}
objectClass: groupOfNames
{people}
"""
