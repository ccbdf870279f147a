"""What an administrator is told to type, and why an engine does not answer."""

import socket
from pathlib import Path

from zoe_master.backends.docker.settings import EngineSettings, Tls
from zoe_master.backends.docker.strangers import docker_command, trouble


def test_the_local_engine_needs_no_address() -> None:
    assert docker_command(EngineSettings("here"), "rm", "x") == "docker rm x"


def test_another_engine_is_named_with_its_certificates() -> None:
    settings = EngineSettings("big", "tcp://big:2376", Tls("/my ca.pem", "/c.pem", "/k.pem"))
    assert docker_command(settings, "network", "rm", "x") == (
        "docker -H tcp://big:2376 --tlsverify '--tlscacert=/my ca.pem' --tlscert=/c.pem "
        "--tlskey=/k.pem network rm x"
    )


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    said = trouble(EngineSettings("here", f"unix://{tmp_path}/none"))
    assert said == (
        f"The engine at unix://{tmp_path}/none does not answer: No such file or directory."
    )


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = trouble(EngineSettings("here", f"tcp://127.0.0.1:{port}"))
    assert said.endswith("does not answer: Connection refused.")


def test_one_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = trouble(EngineSettings("here", f"tcp://127.0.0.1:{server.getsockname()[1]}"))
    assert "takes connections and does not answer" in said
