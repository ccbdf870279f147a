"""What of a user's, her groups' and the default quota counts."""

import pytest

from zoe_core.cluster import NO_LIMIT, Quota, Quotas

QUOTAS = Quotas(
    users={
        "heavy": Quota(weight=3.0),
        "free": Quota(executions=NO_LIMIT, memory=NO_LIMIT, runtime_limit=NO_LIMIT),
        "ada": Quota(executions=1, memory=10),
    },
    groups={"lab": Quota(executions=5, gpus=2), "club": Quota(gpus=NO_LIMIT, weight=2.0)},
    default=Quota(executions=3, memory=4, millicores=1000, gpus=1, runtime_limit=60, weight=0.5),
)


@pytest.mark.parametrize(
    ("user", "groups", "counting"),
    [
        ("bob", (), Quota(3, 4, 1000, 1, 60, 0.5)),
        ("bob", ("elsewhere",), Quota(3, 4, 1000, 1, 60, 0.5)),
        ("heavy", (), Quota(3, 4, 1000, 1, 60, 3.0)),
        ("free", (), Quota(None, None, 1000, 1, None, 0.5)),
        ("ada", (), Quota(1, 10, 1000, 1, 60, 0.5)),
        ("bob", ("lab",), Quota(5, 4, 1000, 2, 60, 0.5)),
        ("ada", ("lab", "club"), Quota(5, 10, 1000, None, 60, 2.0)),
        ("heavy", ("club",), Quota(3, 4, 1000, None, 60, 3.0)),
    ],
)
def test_the_most_generous_that_says_something_else_the_default(
    user: str, groups: tuple[str, ...], counting: Quota
) -> None:
    assert QUOTAS.of(user, groups) == counting


def test_what_no_quota_says_anything_about_is_not_limited() -> None:
    assert Quotas().of("ada", ("lab",)) == Quota(weight=1.0)
    default = Quota(executions=NO_LIMIT, memory=4)
    assert Quotas(default=default).of("ada", ()) == Quota(memory=4, weight=1.0)
