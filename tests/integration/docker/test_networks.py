"""Networks of executions on a real engine: many of them, and beside those of others."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

from docker.types import IPAMConfig, IPAMPool

from tests.contract.sites import DEPLOYMENT, DockerSite
from tests.support.docker_engine import running_engine
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId
from zoe_master.backends.base import Retry
from zoe_master.backends.docker.backend import DockerBackend
from zoe_master.backends.docker.identity import label_filters, network_name

MANY = 60
"""Twice as many as an engine has addresses for."""


def subnets(execution_id: int | None = None) -> list[IPv4Network]:
    """Those of an execution, or of all."""
    client = running_engine().client
    found = client.networks.list(filters=label_filters(DEPLOYMENT, execution_id))
    return [IPv4Network(each.attrs["IPAM"]["Config"][0]["Subnet"]) for each in found]


def test_there_are_addresses_for_many(site: DockerSite) -> None:
    assert isinstance(site.backend, DockerBackend)
    networks, engine = site.backend._networks, site.backend._engines[site.spec().node]
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda number: networks.ensure(engine, number), range(1, MANY + 1)))
    assert len(names) == MANY
    found = subnets()
    assert len(set(found)) == MANY
    assert all(each.subnet_of(IPv4Network("10.201.0.0/16")) for each in found)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(site.backend.release, range(1, MANY + 1)))
    assert not subnets()


def test_addresses_of_others_are_left_to_them(site: DockerSite) -> None:
    site.restart_with(address_pool="10.202.0.0/23")
    first = site.backend._networks._pool.choose(int(DEPLOYMENT[:8], 16) + 1, [])
    client = running_engine().client
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(first))])
    other = client.networks.create("test-of-somebody-else", ipam=ipam)
    try:
        site.start("sleep", "infinity")
        (own,) = subnets(1)
        assert own.subnet_of(IPv4Network("10.202.0.0/23"))
        assert own != first
    finally:
        other.remove()


def test_the_engine_may_choose_the_addresses(site: DockerSite) -> None:
    site.restart_with(address_pool="")
    site.start("sleep", "infinity")
    (own,) = subnets(1)
    assert not own.overlaps(IPv4Network("10.201.0.0/16"))


def test_instances_of_one_execution_start_at_once_in_one_network(site: DockerSite) -> None:
    specs = [site.spec("sleep", "infinity", id=InstanceId(1, "worker", n)) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(site.backend.start, specs))
    assert len(site.backend.observations()) == 6
    assert len(subnets(1)) == 1


def test_a_network_that_somebody_removed_is_made_again(site: DockerSite) -> None:
    seen, _ = site.run("true")
    client = running_engine().client
    client.networks.get(network_name(DEPLOYMENT, 1)).remove()
    again = InstanceId(1, "worker", 1)

    def started() -> bool:
        try:
            site.start("true", id=again)
        except Retry:
            return False
        return True

    eventually(started)
    assert site.await_exit(again).exit_code == 0
    assert seen.exit_code == 0


def test_an_execution_remains_until_network_and_records_are_gone(site: DockerSite) -> None:
    assert set(site.backend.remains()) == set()
    site.run("true", execution=1)
    assert set(site.backend.remains()) == {1}
    site.backend.remove(InstanceId(1, "worker", 0))
    assert set(site.backend.remains()) == {1}  # its network
    site.backend.release(1)
    assert set(site.backend.remains()) == set()
