"""What the scheduler gets to see of a job."""

from zoe_core.amount import Amount
from zoe_core.simulation import Component, Job, Work, equal_nodes
from zoe_core.zapp import SiteDefaults

GB = 2**30


def job(*components: Component, work: float = 100, **fields: object) -> Job:
    return Job(1, "ann", 5.0, components, Work(work), **fields)


def test_its_services_reserve_what_its_components_say() -> None:
    essential, elastic = Component(Amount(GB, 1500), 2), Component(Amount(3 * GB, 500), 0, 4)
    execution = job(essential, elastic, estimate=60.0, limit=90, group="lab").execution()

    first, second = execution.zapp.services
    assert first.reservation(SiteDefaults()) == Amount(GB, 1500)
    assert (first.essential_count, first.total_count, first.monitor) == (2, 2, True)
    assert second.reservation(SiteDefaults()) == Amount(3 * GB, 500)
    assert (second.essential_count, second.total_count, second.monitor) == (0, 4, False)
    assert (execution.expected_seconds, execution.zapp.runtime_limit) == (60.0, 90)
    assert execution.groups == ("lab",)


def test_more_instances_than_a_service_may_have_are_split_over_several() -> None:
    services = job(Component(Amount(GB, 1000), 1500, 900)).execution().zapp.services

    counts = [(each.essential_count, each.total_count) for each in services]
    assert counts == [(1000, 1000), (500, 1000), (0, 400)]


def test_a_rigid_one_has_all_instances_in_its_gang() -> None:
    flexible = job(Component(Amount(GB, 1000), 1, 3), work=400)

    assert flexible.rigid().components == (Component(Amount(GB, 1000), 4),)
    assert flexible.rigid().run_time == flexible.run_time == 100


def test_nodes_are_sorted_by_their_numbers() -> None:
    names = [each.name for each in equal_nodes(10, Amount(GB, 1000))]

    assert names == sorted(names)
    assert len(names) == 10
