"""Settings of engines: what they mean, and how a wrong one is refused."""

from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError

from zoe_master.backends.base import Retry
from zoe_master.backends.docker import DockerBackend
from zoe_master.backends.docker.lifecycle import ip_to_publish_on
from zoe_master.backends.docker.settings import LOCAL_URL, Tls, parse_engines
from zoe_master.backends.docker.workspaces import check_user_ids


def test_an_empty_entry_is_the_local_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (engine,) = parse_engines([{}])
    assert (engine.url, engine.local, engine.address) == (LOCAL_URL, True, None)
    assert engine.name


def test_an_empty_entry_is_the_engine_of_docker_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.2:2375")
    (engine,) = parse_engines([{}])
    assert (engine.url, engine.address) == ("tcp://10.0.0.2:2375", "10.0.0.2")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with pytest.raises(ValueError, match="DOCKER_TLS_VERIFY: must be set as url and tls"):
        parse_engines([{}])
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@there")
    with pytest.raises(ValueError, match="DOCKER_HOST: 'ssh://me@there' must be unix:///PATH"):
        parse_engines([{}])


def test_an_engine_elsewhere_has_its_ports_at_its_host() -> None:
    (engine,) = parse_engines([{"name": "b", "url": "tcp://10.0.0.2:2376"}])
    assert (engine.local, engine.address) == (False, "10.0.0.2")


def test_everything_can_be_given(tmp_path: Path) -> None:
    files = {name: str(tmp_path / name) for name in ("ca", "cert", "key")}
    for path in files.values():
        Path(path).write_text("")
    entry = {
        "name": "big-1",
        "url": "tcp://big-1:2376",
        "tls": files,
        "labels": ["ssd", "gpu"],
        "address": "192.0.2.7",
        "gpus": ["GPU-1", "GPU-2"],
        "memory": 2**34,
        "cores": 8,
        "drain": True,
    }
    (engine,) = parse_engines([entry])
    assert engine.tls == Tls(**files)
    assert engine.labels == {"ssd", "gpu"}
    assert (engine.address, engine.gpus) == ("192.0.2.7", ("GPU-1", "GPU-2"))
    assert (engine.memory, engine.cores, engine.drain) == (2**34, 8.0, True)


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        ([], "engines is empty"),
        (["unix:///x"], r"engines\[0\]: 'unix:///x' must be a dictionary"),
        ([{"nmae": "a"}], r"engines\[0\]: 'nmae' is unknown"),
        ([{"name": "a b"}], r"engines\[0\]\.name: 'a b'"),
        ([{"name": "a"}, {"name": "a"}], r"engines\[1\]\.name: 'a' is used twice"),
        ([{"url": "http://x:1"}], r"engines\[0\]\.url: 'http://x:1' must be"),
        ([{"url": "tcp://x"}], r"engines\[0\]\.url: 'tcp://x' must be"),
        ([{"url": "tcp://x:99999"}], r"engines\[0\]\.url"),
        ([{"url": "unix://relative"}], r"engines\[0\]\.url"),
        ([{"url": 7}], r"engines\[0\]\.url: 7 must be"),
        ([{"tls": {"ca": "/x"}}], r"engines\[0\]\.tls: .* ca, cert and key"),
        ([{"tls": {"ca": "/x", "cert": "/x", "key": "/x"}}], r"engines\[0\]\.tls\.ca: '/x' cannot"),
        ([{"labels": "ssd"}], r"engines\[0\]\.labels: 'ssd' must be a list"),
        ([{"labels": ["ssd", "ssd"]}], r"engines\[0\]\.labels: .* twice"),
        ([{"gpus": [0]}], r"engines\[0\]\.gpus"),
        ([{"gpus": None}], r"engines\[0\]\.gpus"),
        ([{"address": ""}], r"engines\[0\]\.address: '' must be"),
        ([{"memory": "4 GB"}], r"engines\[0\]\.memory: '4 GB' must be a number of bytes"),
        ([{"memory": True}], r"engines\[0\]\.memory"),
        ([{"cores": 0}], r"engines\[0\]\.cores: 0 must be"),
        ([{"drain": "yes"}], r"engines\[0\]\.drain: 'yes' must be True or False"),
    ],
)
def test_a_wrong_entry_is_named(engines: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_engines(engines)


def test_the_setting_itself_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(TraitError, match=r"c\.DockerBackend\.engines\[0\]\.url"):
        DockerBackend(deployment="d" * 36, directory=str(tmp_path), engines=[{"url": "x"}])


@pytest.mark.parametrize("ids", ["0:0", "0:1000", "1000:0", "1000", "root:root", "", None, "1:1 "])
def test_containers_never_run_as_root(ids: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uid:gid"):
        check_user_ids(ids)
    if isinstance(ids, str):
        with pytest.raises(TraitError, match=r"c\.DockerBackend\.user_ids"):
            DockerBackend(deployment="d" * 36, directory=str(tmp_path), user_ids=ids)


def backend(directory: Path, **traits: Any) -> DockerBackend:
    return DockerBackend(deployment="d", directory=str(directory), **traits)


def test_several_engines_need_a_network_over_all_of_them(tmp_path: Path) -> None:
    assert backend(tmp_path).network_driver == "bridge"
    two = [{"name": "a"}, {"name": "b"}]
    assert backend(tmp_path, engines=two).network_driver == "overlay"
    assert backend(tmp_path, engines=two, network_driver="bridge").network_driver == "bridge"


def test_an_overlay_is_reached_through_ports_of_its_engine() -> None:
    local, far = parse_engines([{"name": "a"}, {"name": "b", "url": "tcp://192.0.2.7:2376"}])
    assert local.publishing().address == "127.0.0.1"
    assert far.publishing().address == "192.0.2.7"


def test_addresses_for_networks_are_checked(tmp_path: Path) -> None:
    with pytest.raises(TraitError, match=r"c\.DockerBackend\.address_pool: 'x' must be a network"):
        backend(tmp_path, address_pool="x")
    with pytest.raises(TraitError, match=r"c\.DockerBackend\.network_prefix: 30 must be from 16"):
        backend(tmp_path, network_prefix=30)


def test_ports_are_published_on_the_address_that_a_name_stands_for() -> None:
    assert ip_to_publish_on(None) is None
    assert ip_to_publish_on("192.0.2.7") == "192.0.2.7"
    assert ip_to_publish_on("localhost") == "127.0.0.1"
    with pytest.raises(Retry, match=r"The address no-such-host\.invalid of the node is not known"):
        ip_to_publish_on("no-such-host.invalid")
