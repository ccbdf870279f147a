"""Which images a node takes."""

import pytest

from tests.support.builders import node


@pytest.mark.parametrize(
    ("fields", "accepts"),
    [
        ({}, True),
        ({"images": frozenset({"test", "other"})}, True),
        ({"images": frozenset({"other"})}, False),
        ({"images": frozenset()}, False),
        ({"online": False}, False),
        ({"draining": True}, False),
        ({"draining": True, "images": frozenset({"test"})}, False),
    ],
)
def test_accepts(fields: dict, accepts: bool) -> None:
    assert node(**fields).accepts("test") is accepts
