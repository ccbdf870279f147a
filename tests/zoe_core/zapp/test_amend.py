"""Changing what was launched: what counts afterwards, and what is refused."""

import pytest

from zoe_core.zapp import UNCHANGED, Changes, InstanceSize, ZApp, ZAppError, amend, parse_zapp

GB = 2**30


def zapp(version: int = 4) -> ZApp:
    document = {
        "name": "two",
        "version": version,
        "services": [
            {
                "name": name,
                "image": "python",
                "monitor": name == "main",
                "total_count": 1,
                "essential_count": 1,
                "resources": {"memory": {"min": GB, "max": 4 * GB}, "cores": {"min": 1, "max": 2}},
            }
            for name in ("main", "other")
        ],
    }
    return parse_zapp(document).zapp


def sizes(**given: dict[str, float]) -> Changes:
    return Changes.model_validate({"resources": given})


@pytest.mark.parametrize("version", [3, 4])
def test_what_is_changed_counts_and_the_rest_stays(version: int) -> None:
    before = zapp(version)
    changes = Changes.model_validate(
        {"priority": "low", "runtime_limit": 60, "resources": {"main": {"memory": 2 * GB}}}
    )

    after = amend(before, changes)

    assert (after.priority, after.runtime_limit, after.version) == ("low", 60, version)
    memory = after.service("main").resources.memory
    assert (memory.min, memory.max) == (2 * GB, 5 * GB)
    assert after.service("main").resources.cores == before.service("main").resources.cores
    assert after.service("other") == before.service("other")


def test_cores_that_are_chosen_are_reserved() -> None:
    cores = amend(zapp(), sizes(main={"cores": 0.5})).service("main").resources.cores
    assert (cores.min, cores.max) == (0.5, 0.5)


def test_no_change_changes_nothing() -> None:
    assert amend(zapp(), UNCHANGED) == zapp()
    assert not UNCHANGED
    assert not sizes()
    assert sizes(main={"cores": 1})


def test_changes_one_after_the_other_are_as_one() -> None:
    first = Changes.model_validate({"priority": "low", "resources": {"main": {"memory": 2 * GB}}})
    second = Changes.model_validate({"runtime_limit": 9, "resources": {"main": {"cores": 2}}})
    third = sizes(main={"memory": 3 * GB}, other={"cores": 1})

    both = first.followed_by(second).followed_by(third)

    assert amend(amend(amend(zapp(), first), second), third) == amend(zapp(), both)
    assert both.priority == "low"
    assert both.resources["main"] == InstanceSize(memory=3 * GB, cores=2)
    assert Changes.model_validate(both.document()) == both


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        (sizes(none={"cores": 1}), "resources.none", "is no service here: the services are main"),
        (sizes(main={"memory": 1}), "resources.main.memory", "is 1: must be 16777216 bytes"),
        (sizes(main={"cores": 0.001}), "resources.main.cores", "is 0.001: must be 0.01 cores"),
    ],
)
def test_what_does_not_suit_it(given: Changes, field: str, message: str) -> None:
    with pytest.raises(ZAppError) as caught:
        amend(zapp(), given)
    assert caught.value.problems[0].field == field
    assert caught.value.problems[0].message.startswith(message)
