"""Stopping asks first, forces after the grace, and may be said twice."""

from signal import SIGKILL, SIGPWR, SIGTERM

from tests.contract.sites import Site
from zoe_core.cluster import InstanceId, Observed

STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; sleep infinity")
DECOMMISSIONED = ("sh", "-c", "trap '' PWR; echo ready; sleep infinity")
"""Stays up when it is asked to leave, as a Spark worker does."""


def test_it_is_asked_to_end_by_sigterm(site: Site) -> None:
    instance = site.start("sleep", "infinity")
    site.backend.stop(instance, grace=30)
    assert site.await_exit(instance).exit_code == -15


def test_what_does_not_listen_is_killed_after_the_grace(site: Site) -> None:
    instance = site.start(*STUBBORN)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, grace=0.2)
    seen = site.await_exit(instance)
    assert seen.exit_code == -9
    assert "did not end within 0.2 s" in seen.detail


def test_a_second_stop_may_shorten_the_grace(site: Site) -> None:
    instance = site.start(*STUBBORN)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, grace=3600)
    assert site.observe(instance).observed is Observed.RUNNING
    site.backend.stop(instance, grace=0)
    assert site.await_exit(instance).exit_code == -9


def test_stopping_what_has_exited_changes_nothing(site: Site) -> None:
    seen, _ = site.run("sh", "-c", "exit 3")
    site.backend.stop(seen.id, grace=0)
    assert site.observe(seen.id) == seen


def test_stopping_what_never_was_is_not_an_error(site: Site) -> None:
    site.backend.stop(InstanceId(99, "worker", 0), grace=0)
    site.backend.remove(InstanceId(99, "worker", 0))


def test_end_all_ends_what_cannot_outlive_the_portal(site: Site) -> None:
    instances = [site.start("sleep", "infinity", execution=number) for number in (1, 2, 3)]
    site.backend.end_all()
    if site.outlives_portal:
        assert {site.observe(each).observed for each in instances} == {Observed.RUNNING}
        return
    seen = [site.await_exit(each) for each in instances]
    assert {each.exit_code for each in seen} == {-15}
    assert {each.detail for each in seen} == {"It was stopped together with the portal."}


def test_one_that_ends_when_it_is_asked_politely_is_gone_at_once(site: Site) -> None:
    instance = site.start("sleep", "infinity")
    site.backend.stop(instance, 3600, SIGPWR)
    assert site.await_exit(instance).exit_code == -SIGPWR


def test_one_that_stays_up_when_it_is_asked_politely_is_killed_after_the_grace(site: Site) -> None:
    instance = site.start(*DECOMMISSIONED)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, 0.2, SIGPWR)
    seen = site.await_exit(instance)
    assert seen.exit_code == -SIGKILL
    assert "did not end within 0.2 s" in seen.detail


def test_to_be_asked_again_does_not_prolong_the_grace(site: Site) -> None:
    instance = site.start(*DECOMMISSIONED)
    site.await_log(instance, b"ready")
    for grace in (3600, 0.5, 3600):
        site.backend.stop(instance, grace, SIGPWR)
    assert site.await_exit(instance).exit_code == -SIGKILL


def test_a_new_master_that_asks_again_does_not_prolong_the_grace(site: Site) -> None:
    instance = site.start(*DECOMMISSIONED)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, 1.0, SIGPWR)
    site.restart().stop(instance, 3600, SIGPWR)
    assert site.await_exit(instance).exit_code == -SIGKILL


def test_one_that_is_leaving_may_be_stopped_like_any_other(site: Site) -> None:
    """Its execution ends meanwhile."""
    instance = site.start(*DECOMMISSIONED)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, 3600, SIGPWR)
    site.backend.stop(instance, 30)
    assert site.await_exit(instance).exit_code == -SIGTERM


def test_after_sigterm_no_other_signal_comes(site: Site) -> None:
    instance = site.start(*STUBBORN)
    site.await_log(instance, b"ready")
    site.backend.stop(instance, 1.0)
    site.backend.stop(instance, 3600, SIGPWR)
    assert site.await_exit(instance).exit_code == -SIGKILL


def test_asking_politely_what_never_was_is_not_an_error(site: Site) -> None:
    site.backend.stop(InstanceId(99, "worker", 0), 3600, SIGPWR)
