"""Nodes, names and measures."""

import pytest

from tests.contract.sites import Site
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed


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


def test_gpus_are_counted_and_have_names(site: Site) -> None:
    for node in site.backend.nodes():
        assert len(set(node.devices)) == node.capacity.gpus
        assert bool(node.devices) == site.backend.capabilities.gpus


def test_an_instance_may_have_a_gpu(site: Site) -> None:
    if not site.has_gpus:
        pytest.skip("the engine of this machine has no GPU runtime")
    instance = site.start("sleep", "infinity", devices=site.backend.nodes()[0].devices[:1])
    assert eventually(lambda: site.observe(instance)).observed is Observed.RUNNING


def test_a_node_says_what_it_need_not_fetch_and_whether_its_memory_is_short(site: Site) -> None:
    for node in site.backend.nodes():
        assert all(map(node.accepts, node.local_images))
        assert node.pressured in (True, False)


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

    def measured() -> bool:
        """What was only just executed may have no memory of its own yet."""
        usage = site.backend.usage(instance)
        return usage is not None and usage.memory > 0 and usage.cpu_seconds >= 0

    eventually(measured, message=lambda: str(site.backend.usage(instance)))
    site.backend.stop(instance, grace=30)
    site.await_exit(instance)
    assert site.backend.usage(instance) is None
    assert site.backend.usage(InstanceId(99, "worker", 0)) is None


def test_prepare_and_release_may_be_repeated(site: Site) -> None:
    for _ in range(2):
        site.backend.prepare(7)
    for _ in range(2):
        site.backend.release(7)
