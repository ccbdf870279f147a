"""Instances start once, and are seen until they are removed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.contract.sites import OTHER_DEPLOYMENT, Site
from tests.support.waiting import eventually
from zoe_core.cluster import InstanceId, Observed
from zoe_master.backends.base import Fatal, Retry


def test_what_was_started_is_observed_running_on_its_node(site: Site) -> None:
    spec = site.spec("sleep", "infinity")
    site.backend.start(spec)
    seen = eventually(lambda: site.observe(spec.id))
    assert (seen.observed, seen.node, seen.exit_code) == (Observed.RUNNING, spec.node, None)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("false", 1)])
def test_the_exit_code_is_kept(site: Site, script: str, code: int) -> None:
    seen, _ = site.run("sh", "-c", script)
    assert seen.exit_code == code


def test_starting_it_again_keeps_it(site: Site) -> None:
    instance = site.start("sh", "-c", "echo first; sleep infinity")
    site.start("sh", "-c", "echo second; exit 1")
    assert site.await_log(instance, b"first\n") == b"first\n"
    assert site.observe(instance).observed is Observed.RUNNING


def test_what_has_exited_is_not_started_again(site: Site) -> None:
    site.run("sh", "-c", "echo first; exit 3")
    seen, log = site.run("sh", "-c", "echo second; exit 4")
    assert (seen.exit_code, log) == (3, b"first\n")


def test_of_concurrent_starts_one_wins(site: Site) -> None:
    spec = site.spec("sh", "-c", "echo once; sleep infinity")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(site.backend.start, [spec] * 8))
    assert site.await_log(spec.id, b"once\n") == b"once\n"
    assert site.observe(spec.id).observed is Observed.RUNNING


def test_each_attempt_is_an_instance_of_its_own(site: Site) -> None:
    first = site.spec("sh", "-c", "exit 1")
    second = replace(first, id=InstanceId(1, "worker", 0, attempt=2), command=("sleep", "infinity"))
    site.backend.start(first)
    site.backend.start(second)
    assert site.await_exit(first.id).exit_code == 1
    assert site.observe(second.id).observed is Observed.RUNNING


def test_nothing_is_seen_of_what_never_started(site: Site) -> None:
    assert list(site.backend.observations()) == []


def test_instances_of_another_deployment_are_not_seen(site: Site) -> None:
    other = site.open(OTHER_DEPLOYMENT)
    instance = site.start("sleep", "infinity")
    assert list(other.observations()) == []
    other.stop(instance, grace=0)
    other.remove(instance)
    assert site.observe(instance).observed is Observed.RUNNING


def test_what_was_removed_is_gone_with_its_log(site: Site) -> None:
    seen, log = site.run("echo", "hello")
    assert log
    site.backend.remove(seen.id)
    assert site.observe(seen.id) is None
    assert site.log(seen.id) == b""
    site.backend.remove(seen.id)


def test_what_runs_is_not_removed(site: Site) -> None:
    instance = site.start("sleep", "infinity")
    with pytest.raises(Retry, match="still runs"):
        site.backend.remove(instance)
    with pytest.raises(Retry, match="still runs"):
        site.backend.release(instance.execution_id)
    assert site.observe(instance).observed is Observed.RUNNING


def test_release_removes_what_is_left_of_one_execution(site: Site) -> None:
    site.run("true", execution=1)
    twelve, _ = site.run("true", execution=12)
    site.backend.release(1)
    site.backend.release(1)
    assert [each.id for each in site.backend.observations()] == [twelve.id]


def test_a_command_is_needed_where_the_back_end_says_so(site: Site) -> None:
    spec = replace(site.spec(), command=None)
    if site.backend.capabilities.needs_command:
        with pytest.raises(Fatal, match="worker-0 has no command"):
            site.backend.start(spec)
    else:
        site.backend.start(spec)
        assert site.observe(spec.id).observed is Observed.RUNNING
