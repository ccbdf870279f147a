"""Nodes, names and measures."""

from tests.contract.sites import Site
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId


def test_nodes_are_online_and_offer_something(site: Site) -> None:
    nodes = site.backend.nodes()
    assert nodes
    assert len({node.name for node in nodes}) == len(nodes)
    assert (len(nodes) > 1) <= site.backend.capabilities.several_nodes
    for node in nodes:
        assert node.online
        assert node.capacity.memory > 0
        assert node.capacity.millicores > 0
        assert node.accepts(site.image)


def test_names_are_known_before_the_start_and_nobody_shares_one(site: Site) -> None:
    names = {
        site.backend.dns_name(execution, service, index)
        for execution in (1, 2, 11)
        for service in ("worker", "worker-1")
        for index in range(20)
    }
    assert len(names) == 3 * 2 * 20


def test_the_address_has_the_port(site: Site) -> None:
    instance = site.start("sleep", "infinity", ports=(8888,))
    host, port = site.backend.address(instance, 8888)
    assert host
    assert port == 8888


def test_use_is_measured_while_it_runs(site: Site) -> None:
    instance = site.start("sleep", "infinity")
    usage = eventually(lambda: site.backend.usage(instance))
    assert usage.memory > 0
    assert usage.cpu_seconds >= 0
    site.backend.stop(instance, grace=30)
    site.await_exit(instance)
    assert site.backend.usage(instance) is None
    assert site.backend.usage(InstanceId(99, "worker", 0)) is None


def test_prepare_and_release_may_be_repeated(site: Site) -> None:
    for _ in range(2):
        site.backend.prepare(7)
    for _ in range(2):
        site.backend.release(7)
