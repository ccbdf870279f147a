"""Sliders for memory and cores, and the runtime limit, of a launch form."""

import pytest

from tests.support.builders import service, zapp
from zoe_core.amount import Amount
from zoe_core.cluster import Node, Quota
from zoe_core.zapp import InstanceSize, Problem, SiteDefaults, ZApp, parse_zapp
from zoe_hub.portal.presenters.sizes import Extras, as_chosen, extras, read_extras

GB = 2**30
DEFAULTS = SiteDefaults()
NODES = [
    Node("small", Amount(8 * GB, 4000)),
    Node("large", Amount(64 * GB, 16000)),
    Node("away", Amount(512 * GB, 64000), online=False),
]


def spark(**fields: object) -> ZApp:
    """A master, and four workers of which two are essential."""

    def one(name: str, memory: int, total: int, essential: int) -> dict[str, object]:
        counts = {"total_count": total, "essential_count": essential}
        resources = {"memory": {"min": memory, "max": 2 * memory}, "cores": {"min": 0.5}}
        return {"name": name, "image": "spark", "monitor": name == "master", **counts} | {
            "resources": resources
        }

    services = [one("master", GB, 1, 1), one("worker", 2 * GB, 4, 2)]
    return parse_zapp({"name": "spark", "version": 4, "services": services, **fields}).zapp


def made(
    quota: Quota = Quota(),  # noqa: B008 -- frozen
    *,
    resizable: bool = True,
    nodes: list[Node] = NODES,
) -> Extras:
    return extras(spark(), DEFAULTS, nodes, quota, resizable=resizable)


def test_who_may_not_resize_has_the_runtime_limit_only() -> None:
    found = made(resizable=False)
    assert found.sizes == ()
    assert list(found.fields) == ["runtime_limit"]


def test_the_largest_node_that_is_there_bounds() -> None:
    memory, cores = made().sizes[1].memory, made().sizes[1].cores
    assert (memory.value, memory.least, memory.most) == ("2048", "2048", str(64 * 1024))
    assert memory.help == "2 GB to 64 GB: the largest node has no more."
    assert (cores.value, cores.least, cores.most) == ("0.5", "0.1", "16")


def test_the_quota_bounds_what_others_leave_for_each_that_has_to_run() -> None:
    worker = made(Quota(memory=13 * GB, millicores=4500)).sizes[1]
    assert worker.memory.most == str(6 * 1024)  # (13 - 1) / 2
    assert worker.memory.help == "2 GB to 6 GB: your quota leaves no more."
    assert worker.cores.most == "2"


def test_a_slider_never_ends_below_what_the_description_reserves() -> None:
    worker = made(Quota(memory=2 * GB)).sizes[1]
    assert worker.memory.most == worker.memory.least == "2048"


def test_without_a_bound_there_is_none() -> None:
    worker = made(nodes=[]).sizes[1]
    assert worker.memory.most == ""
    assert worker.memory.help == "2 GB or more."


def test_a_slider_has_steps_that_a_finger_can_tell_apart() -> None:
    memory = made().sizes[1].memory
    assert (int(memory.most) - int(memory.least)) / int(memory.slide) <= 128


@pytest.mark.parametrize(
    ("own", "longest", "told"),
    [
        (None, None, "It runs for as long as it needs."),
        (3600, None, "Left empty, it is ended after 1 h."),
        (7200, 3600, "Left empty, it is ended after 1 h. Your quota is at most 1 h."),
    ],
)
def test_the_limit_says_what_happens_without_one(
    own: int | None, longest: int | None, told: str
) -> None:
    found = extras(
        spark(runtime_limit=own), DEFAULTS, NODES, Quota(runtime_limit=longest), resizable=False
    )
    assert found.limit.help == told
    assert found.limit.most == ("" if longest is None else str(longest // 60))


def test_what_was_not_touched_is_not_sent() -> None:
    form = {each.name: each.value for each in made().filled(None).fields.values()}
    found = read_extras(spark(), DEFAULTS, form)
    assert (found.resources, found.runtime_limit, found.problems) == ({}, None, ())


def test_what_was_chosen_is_sent_and_comes_back() -> None:
    sent = {
        "memory.worker": "3072",
        "cores.worker": "2.5",
        "cores.master": "0.5",
        "runtime_limit": "90",
    }
    found = read_extras(spark(), DEFAULTS, sent)
    assert found.resources == {"worker": InstanceSize(memory=3 * GB, cores=2.5)}
    assert found.runtime_limit == 5400
    again = as_chosen(found.resources, found.runtime_limit)
    assert again == {"memory.worker": "3072", "cores.worker": "2.5", "runtime_limit": "90"}
    filled = made().filled(again)
    assert filled.touched
    assert filled.sizes[1].memory.value == "3072"
    assert filled.sizes[0].memory.value == "1024"


@pytest.mark.parametrize("text", ["many", "-1", "0", "1e5", "nan", "9" * 12, "1.", "٣"])
def test_what_is_no_amount_is_told_at_its_field(text: str) -> None:
    names = ("memory.worker", "cores.worker", "runtime_limit")
    found = read_extras(spark(), DEFAULTS, dict.fromkeys(names, text))
    assert (found.resources, found.runtime_limit) == ({}, None)
    fields = ["resources.worker.memory", "resources.worker.cores", "runtime_limit"]
    assert [each.field for each in found.problems] == fields
    shown = made().filled(dict.fromkeys(names, text), found.problems)
    assert shown.wrong == 3
    assert "must be a number of MB, above 0" in shown.sizes[1].memory.error


def test_nothing_is_touched_at_first_and_a_problem_opens_it() -> None:
    assert not made().filled(None).touched
    wrong = made().filled(None, [Problem("resources.master.memory", "is too much")])
    assert wrong.touched
    assert wrong.sizes[0].memory.error == "It is too much."


def test_a_zapp_that_says_nothing_has_what_the_site_gives() -> None:
    found = extras(zapp(service()), DEFAULTS, NODES, Quota(), resizable=True)
    assert found.sizes[0].memory.value.isdigit()
    assert found.labels["resources.main.memory"] == "The memory of main"
