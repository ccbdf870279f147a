"""Instances outlive the master, and the next one finds them as they are."""

from tests.contract.sites import Site
from zoe_core.cluster import Observed


def test_what_runs_goes_on_and_is_found(site: Site) -> None:
    instance = site.start("sh", "-c", "echo before; sleep infinity")
    site.await_log(instance, b"before")
    site.restart()
    assert site.observe(instance).observed is Observed.RUNNING
    assert site.log(instance) == b"before\n"
    site.backend.stop(instance, grace=30)
    assert site.await_exit(instance).exit_code == -15


def test_what_ended_is_found_with_its_exit_code(site: Site) -> None:
    seen, _ = site.run("sh", "-c", "exit 3")
    site.restart()
    assert site.observe(seen.id) == seen


def test_a_start_that_is_repeated_after_a_restart_keeps_the_instance(site: Site) -> None:
    instance = site.start("sh", "-c", "echo first; sleep infinity")
    site.restart()
    site.start("sh", "-c", "echo second")
    assert site.await_log(instance, b"first") == b"first\n"


def test_names_stay_the_same(site: Site) -> None:
    names = [site.backend.dns_name(1, "worker", index) for index in range(3)]
    site.restart()
    assert [site.backend.dns_name(1, "worker", index) for index in range(3)] == names
