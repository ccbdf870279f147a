"""An instance's names, and when its room is free again."""

from itertools import product

import pytest

from tests.support.builders import instance
from zoe_core.cluster import Desired, InstanceId, Observed

GONE = set(product(Desired, (Observed.EXITED, Observed.LOST)))


@pytest.mark.parametrize(("desired", "observed"), list(product(Desired, Observed)))
def test_room_is_held_until_it_is_seen_gone(desired: Desired, observed: Observed) -> None:
    view = instance(desired=desired, observed=observed)
    assert view.gone == ((desired, observed) in GONE)
    assert view.holds_reservation == (not view.gone)
    assert view.leaving == (desired is Desired.ABSENT and not view.gone)


def test_names_are_stable_over_attempts_and_identities_are_not() -> None:
    first, second = (InstanceId(42, "spark-worker", 1, attempt) for attempt in (1, 2))
    assert first.name == second.name == "spark-worker-1"
    assert (str(first), str(second)) == ("42/spark-worker-1#1", "42/spark-worker-1#2")
    deployment = "5a9c1f04-7f5e-4f4e-9d52-0c6a5a1f9b11"
    assert first.container_name(deployment) == "zoe-5a9c1f04-42-spark-worker-1-1"
    assert second.container_name(deployment) == "zoe-5a9c1f04-42-spark-worker-1-2"


def test_no_two_identities_share_a_container_name() -> None:
    identities = [
        InstanceId(execution, service, index, attempt)
        for execution in (1, 11)
        for service in ("a", "a-1", "a-1-1")
        for index in (0, 1, 11)
        for attempt in (1, 11)
    ]
    assert len({each.container_name("d") for each in identities}) == len(identities)
