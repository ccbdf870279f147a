"""Quotas that two administrators set at a time, from Python and with `zoe-admin quota`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.zoe_client.cli.admin.test_admin import ask, refused, run
from tests.zoe_client.cli.site import Site
from zoe_client import Changed, Client, NotFound
from zoe_core.protocol.rest_admin import Quota, QuotaKind

pytestmark = pytest.mark.timeout(300)

ADA: tuple[QuotaKind, str] = ("user", "ada lovelace/1")


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    """Before and after each test there is no quota."""
    yield site.client
    for each in site.client.quotas():
        site.client.remove_quota(each.kind, each.name)


def meanwhile(client: Client, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have somebody else set another weight each of the first times that a quota is read."""
    read, turns = Client.quota, count(1)

    def quota(self: Client, kind: QuotaKind, name: str) -> tuple[Quota, str | None]:
        found = read(self, kind, name)
        if (turn := next(turns)) <= times:
            client.set_quota(kind, name, {"memory": 2**30, "weight": turn})
        return found

    monkeypatch.setattr(Client, "quota", quota)


def test_only_what_still_is_as_it_was_read_is_set_or_removed(client: Client) -> None:
    first = client.set_quota(*ADA, {"cores": 1})
    found, old = client.quota(*ADA)
    assert found == first
    second = client.set_quota(*ADA, {"cores": 2}, if_match=old)

    with pytest.raises(Changed, match="somebody has set or removed it"):
        client.set_quota(*ADA, {"cores": 3}, if_match=old)
    with pytest.raises(Changed):
        client.remove_quota(*ADA, if_match=old)
    found, new = client.quota(*ADA)
    assert found == second
    client.remove_quota(*ADA, if_match=new)

    with pytest.raises(NotFound):
        client.quota(*ADA)
    with pytest.raises(Changed):
        client.set_quota(*ADA, {"cores": 4}, if_match=new)
    assert client.quotas() == ()
    client.set_quota(*ADA, {"cores": 5}, if_none_match="*")
    with pytest.raises(Changed):
        client.set_quota(*ADA, {"cores": 6}, if_none_match="*")


def test_what_somebody_else_sets_meanwhile_stays(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set_quota(*ADA, {"memory": 2**20})
    meanwhile(client, monkeypatch, times=2)

    changed = ask(site, "quota", "set", *ADA, "--cores", 4)

    assert (changed["cores"], changed["memory"], changed["weight"]) == (4, 2**30, 2)


def test_a_quota_that_somebody_else_makes_meanwhile_stays(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, turns = Client.quota, count()

    def quota(self: Client, kind: QuotaKind, name: str) -> tuple[Quota, str | None]:
        try:
            return read(self, kind, name)
        finally:
            if not next(turns):
                client.set_quota(kind, name, {"memory": 2**30})

    monkeypatch.setattr(Client, "quota", quota)

    changed = ask(site, "quota", "set", *ADA, "--cores", 4)

    assert (changed["cores"], changed["memory"]) == (4, 2**30)


def test_a_quota_that_is_removed_meanwhile_is_made_anew(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set_quota(*ADA, {"memory": 2**20})
    read, turns = Client.quota, count()

    def quota(self: Client, kind: QuotaKind, name: str) -> tuple[Quota, str | None]:
        found = read(self, kind, name)
        if not next(turns):
            client.remove_quota(kind, name)
        return found

    monkeypatch.setattr(Client, "quota", quota)

    changed = ask(site, "quota", "set", *ADA, "--cores", 4)

    assert (changed["cores"], changed["memory"]) == (4, None)


def test_who_is_always_too_late_is_told(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set_quota(*ADA, {"memory": 2**20})
    meanwhile(client, monkeypatch, times=5)

    refused(run(site, "quota", "set", *ADA, "--cores", 4), 1, "somebody has set or removed it")
    assert [(each.cores, each.weight) for each in client.quotas()] == [(None, 5)]
