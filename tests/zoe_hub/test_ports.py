"""The ports between the parts of one Zoe stay the same as long as they can."""

import socket
from pathlib import Path

from zoe_hub.ports import choose_ports, keep_ports

ADDRESSES = {"hub": "127.0.0.2", "traefik": "127.0.0.1", "portal": "127.0.0.2"}


def test_each_name_gets_a_port_of_its_own(tmp_path: Path) -> None:
    ports = choose_ports(tmp_path / "ports.json", ADDRESSES)
    assert list(ports) == list(ADDRESSES)
    assert len({(ADDRESSES[name], port) for name, port in ports.items()}) == 3
    assert not (tmp_path / "ports.json").exists()


def test_kept_ports_are_chosen_again_unless_they_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = choose_ports(file, ADDRESSES)
    keep_ports(file, first)
    assert choose_ports(file, ADDRESSES) == first
    with socket.create_server((ADDRESSES["hub"], first["hub"])):
        second = choose_ports(file, ADDRESSES)
    assert second["hub"] != first["hub"]
    assert second["portal"] == first["portal"]
