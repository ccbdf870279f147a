"""The ports between the parts of one Zoe stay the same as long as they can."""

import socket
from pathlib import Path

from zoe_hub.ports import choose_ports, keep_ports

NAMES = ["hub", "traefik", "portal"]


def test_each_name_gets_a_port_of_its_own(tmp_path: Path) -> None:
    ports = choose_ports(tmp_path / "ports.json", NAMES)
    assert list(ports) == NAMES
    assert len(set(ports.values())) == 3
    assert not (tmp_path / "ports.json").exists()


def test_kept_ports_are_chosen_again_unless_they_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = choose_ports(file, NAMES)
    keep_ports(file, first)
    assert choose_ports(file, NAMES) == first
    with socket.create_server(("127.0.0.1", first["hub"])):
        second = choose_ports(file, NAMES)
    assert second["hub"] != first["hub"]
    assert second["portal"] == first["portal"]
