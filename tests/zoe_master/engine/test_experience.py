"""How long executions are expected to run, from how long others did."""

from tests.support.builders import after, execution, service
from zoe_core.cluster import Quota, Quotas
from zoe_master.engine.experience import Experience
from zoe_store.past import Run

NONE = Quotas()


def expected(experience: Experience, quotas: Quotas = NONE, **fields: object) -> float | None:
    (view,) = experience.foreseen([execution(9, service(), **fields)], quotas)
    return view.expected_seconds


def test_by_the_runs_that_ended() -> None:
    experience = Experience([Run("alice", "app", 60)])
    assert expected(experience) == 60
    assert expected(Experience()) is None


def test_each_end_is_learnt_from_when_it_ran() -> None:
    experience = Experience()
    ended = [
        execution(1, status="terminated", started_at=after(10)),
        execution(2, status="error"),
    ]
    experience.learn(ended, after(40))
    assert experience.since(0) == (Run("alice", "app", 30),)
    assert expected(experience) == 30


def test_no_longer_than_its_limit_or_its_quota() -> None:
    experience = Experience([Run("alice", "app", 600)])
    assert expected(experience, limit=300) == 300
    short = Quotas(groups={"lab": Quota(runtime_limit=60)})
    assert expected(experience, short, limit=300, groups=("lab",)) == 60
    assert expected(experience, short, limit=300) == 300


def test_what_is_new_since_a_count() -> None:
    runs = [Run("alice", "app", seconds) for seconds in range(5)]
    experience = Experience(runs)
    assert experience.since(5) == ()
    assert experience.since(3) == tuple(runs[3:])
    assert experience.since(0) == tuple(runs)
