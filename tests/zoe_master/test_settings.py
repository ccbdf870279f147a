"""The settings of the scheduler, as an administrator gives them."""

import pytest
from traitlets import TraitError

from zoe_core.scheduling import Spread
from zoe_core.scheduling.policies import Hrrn
from zoe_core.scheduling.settings import MAX_OVERTAKE
from zoe_master.app import ZoeMaster
from zoe_master.plugins import SetupError


def test_the_defaults() -> None:
    settings = ZoeMaster()._settings()
    assert isinstance(settings.policy, Hrrn)
    assert isinstance(settings.placement, Spread)
    assert settings.max_overtake == MAX_OVERTAKE
    assert settings.defaults.memory == ZoeMaster().default_memory


@pytest.mark.parametrize("policy", ["fifo", "size", "hrrn", "fair"])
@pytest.mark.parametrize("placement", ["spread", "pack", "best_fit"])
def test_what_comes_with_zoe_is_known_by_name(policy: str, placement: str) -> None:
    settings = ZoeMaster(policy=policy, placement=placement, max_overtake=0)._settings()
    names = [type(each).__name__.lower() for each in (settings.policy, settings.placement)]
    assert names == [policy, placement.replace("_", "")]
    assert settings.max_overtake == 0


@pytest.mark.parametrize(
    ("setting", "known"),
    [("policy", "fair, fifo, hrrn, size"), ("placement", "best_fit, pack, spread")],
)
def test_an_unknown_name_is_answered_with_those_that_are_known(setting: str, known: str) -> None:
    with pytest.raises(SetupError) as refused:
        ZoeMaster(**{setting: "mine"})._settings()
    assert str(refused.value) == f"c.ZoeMaster.{setting} is 'mine': known are {known}"


def test_max_overtake_is_no_negative_number() -> None:
    with pytest.raises(TraitError, match="max_overtake"):
        ZoeMaster(max_overtake=-1)
