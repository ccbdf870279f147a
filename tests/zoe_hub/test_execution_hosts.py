"""Host names of executions: which there are, and which are none."""

import pytest

from zoe_hub.execution_hosts import ExecutionHosts, subdomain

HOSTS = ExecutionHosts.of("http://zoe.test:8000/")


def test_without_the_setting_there_are_none() -> None:
    hosts = ExecutionHosts.of("")
    assert not hosts
    assert hosts.origin(42) == hosts.main == ""
    assert hosts.execution_of("execution--42.") is None


def test_each_execution_has_one() -> None:
    assert HOSTS
    assert HOSTS.main == "http://zoe.test:8000"
    assert HOSTS.origin(42) == "http://execution--42.zoe.test:8000"
    assert HOSTS.execution_of("execution--42.zoe.test") == 42


@pytest.mark.parametrize(
    "name",
    [
        "zoe.test",
        "execution--42",
        "execution--42.zoe.test.",
        "execution--042.zoe.test",
        "execution--0.zoe.test",
        "execution--.zoe.test",
        "execution--42.zoeXtest",
        "execution--42.evil.zoe.test",
        "x.execution--42.zoe.test",
        "execution--1234567890123456789.zoe.test",
    ],
)
def test_names_of_other_hosts(name: str) -> None:
    assert HOSTS.execution_of(name) is None


def test_the_protocol_may_be_missing_as_for_the_hub() -> None:
    hosts = ExecutionHosts.of("zoe.example.org")
    assert hosts.origin(7) == "https://execution--7.zoe.example.org"
    assert hosts.secure
    assert not HOSTS.secure


@pytest.mark.parametrize("kind", ["user", "service"])
def test_nobody_else_has_such_a_name(kind: str) -> None:
    """Nor the portal's, which is the Hub's own."""
    for name in ("execution--42", "execution-42", "ada", "zoe", "x--y"):
        domain = subdomain(name, "zoe.test", kind)
        assert HOSTS.execution_of(domain) is None
        assert (domain == "zoe.test") == ((kind, name) == ("service", "zoe"))
