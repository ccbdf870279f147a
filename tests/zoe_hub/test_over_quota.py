"""What goes beyond a quota by itself is told with the numbers; what only has to wait is not."""

import pytest

from tests.support.builders import GB, service, zapp
from zoe_core.cluster import Quota
from zoe_core.zapp import SiteDefaults, ZApp
from zoe_hub.over_quota import over_quota

THREE = zapp(service(essential=3, elastic=5, memory=2, cores=1.5), runtime_limit=7200)
"""6 GB and 4.5 cores that it needs, and more that it would take."""


def told(description: ZApp, **limits: int) -> list[str]:
    return [str(each) for each in over_quota(description, Quota(**limits), SiteDefaults())]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"executions": 0}, "Your quota is 0 executions: ask the administrator for more"),
        (
            {"memory": 5 * GB},
            "services: The essential instances (3) need 6 GB of memory; your quota is 5 GB",
        ),
        (
            {"millicores": 4000},
            "services: The essential instances (3) need 4.5 cores; your quota is 4 cores",
        ),
        (
            {"runtime_limit": 3600},
            "runtime_limit: is 7200 seconds: your quota is at most 3600 seconds",
        ),
    ],
)
def test_a_limit_that_no_waiting_would_meet(limits: dict[str, int], said: str) -> None:
    assert told(THREE, **limits) == [said]


def test_gpus_are_counted() -> None:
    wanting = zapp({**service(), "resources": {"gpus": 2}})
    said = "services: The essential instance needs 2 GPUs; your quota is 1 GPU"
    assert told(wanting, gpus=1) == [said]
    assert told(wanting, gpus=2) == []


def test_all_that_is_too_much_is_told_at_once() -> None:
    limits = {"executions": 0, "memory": GB, "millicores": 100, "gpus": 0, "runtime_limit": 1}
    assert len(told(THREE, **limits)) == 4


def test_what_just_fits_is_allowed_and_elastic_instances_do_not_count() -> None:
    limits = {"executions": 1, "memory": 6 * GB, "millicores": 4500, "runtime_limit": 7200}
    assert told(THREE, **limits) == []


def test_without_limits_or_a_runtime_limit_of_its_own_nothing_is_too_much() -> None:
    assert told(THREE) == []
    assert told(zapp(service()), runtime_limit=60) == []
