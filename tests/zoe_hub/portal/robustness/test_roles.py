"""Every address of the portal, for every kind of caller: who gets what.

A new address needs a row here. Callers: nobody; a token of alice that may do nothing but come
(``guest``); alice, in the role of everybody; bob, another one in it; dora of the group zoe-power;
oscar, who may operate others' executions; olga of the group zoe-admin.

What they ask about is alice's, and another one for each of them: ``{hers}`` has an instance that
runs, with an endpoint and a log, ``{server}`` is a Jupyter server that runs, ``{ended}`` has ended.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, update
from tornado.web import RequestHandler

from tests.support.submissions import submit
from tests.zoe_hub.portal.conftest import Portal
from tests.zoe_hub.portal.endpoints.application import Application, application, launch
from tests.zoe_hub.portal.endpoints.hosts import number_of
from tests.zoe_hub.portal.test_bad_input import OWN
from zoe_core.cluster import Quota
from zoe_core.protocol import Estimate, Estimated, LogChunk, ReadLog, UseReply
from zoe_hub import permissions
from zoe_hub.portal import endpoints, routing
from zoe_hub.portal.respawner import Respawner
from zoe_store import tables
from zoe_store.quotas import set_quota

__all__ = ["application"]

CALLERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "guest": ("alice", (permissions.ACCESS,)),
    "alice": ("alice", tuple(permissions.USER_SCOPES)),
    "bob": ("bob", tuple(permissions.USER_SCOPES)),
    "dora": ("dora", tuple(permissions.POWER_SCOPES)),
    "oscar": ("olga", (permissions.ACCESS, "custom:zoe:status", "custom:zoe:operate-others")),
    "olga": ("olga", tuple(permissions.ADMIN_SCOPES)),
}
WHO = ("nobody", *CALLERS)

JSON: dict[str, Any] = {
    "launch": {"zapp": "small"},
    "launch own": {"description": OWN},
    "launch sized": {"zapp": "small", "resources": {"main": {"cores": 0.1}}},
    "launch secret": {"zapp": "secret"},
    "urgent": {"priority": "high"},
    "low": {"priority": "low"},
    "sized": {"resources": {"main": {"cores": 0.1}}},
    "drain": {"draining": True},
    "quota": {"executions": 1},
    "validate": {"description": OWN},
}
FORMS = {"own form": {"description": json.dumps(OWN)}}
ENDPOINT = "executions/{hers}/endpoints/main-0/8080/"

ROWS: list[tuple[str, str, str | None, tuple[int, ...]]] = [
    ("GET", "api/v1/info", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/openapi.json", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/metrics", None, (401, 403, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/zapps", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/zapps/small", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/zapps/secret", None, (401, 404, 404, 404, 200, 404, 200)),
    ("GET", "api/v1/executions", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/executions?user=*", None, (401, 403, 403, 403, 403, 200, 200)),
    ("GET", "api/v1/executions?user=alice", None, (401, 200, 200, 403, 403, 200, 200)),
    ("GET", "api/v1/executions/{hers}", None, (401, 200, 200, 404, 404, 200, 200)),
    ("GET", "api/v1/executions/{hers}/events", None, (401, 200, 200, 404, 404, 200, 200)),
    ("GET", "api/v1/executions/{hers}/use", None, (401, 200, 200, 404, 404, 200, 200)),
    ("GET", "api/v1/executions/{hers}/instances/main-0/logs", None,
     (401, 200, 200, 404, 404, 200, 200)),
    ("GET", "api/v1/events", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/events?user=*", None, (401, 403, 403, 403, 403, 200, 200)),
    ("GET", "api/v1/events?user=alice", None, (401, 200, 200, 403, 403, 200, 200)),
    ("GET", "api/v1/queue", None, (401, 403, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/cluster", None, (401, 403, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/cluster/events", None, (401, 403, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/drains", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/quotas", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/quotas/user/carol", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/strangers", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/findings", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/usage", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/usage?user=alice", None, (401, 200, 200, 403, 403, 403, 200)),
    ("GET", "api/v1/usage.csv", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/usage/series", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/usage/series.csv", None, (401, 200, 200, 200, 200, 200, 200)),
    ("GET", "api/v1/users", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/audit", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/audit.csv", None, (401, 403, 403, 403, 403, 403, 200)),
    ("GET", "api/v1/discovery/{hers}/main", None, (401, 200, 200, 404, 404, 200, 200)),
    ("POST", "api/v1/zapps/validate", "validate", (401, 200, 200, 200, 200, 200, 200)),
    ("POST", "api/v1/estimate", "launch", (401, 403, 200, 200, 200, 403, 200)),
    ("POST", "api/v1/estimate", "launch own", (401, 403, 403, 403, 200, 403, 200)),
    ("POST", "api/v1/executions", "launch", (401, 403, 201, 201, 201, 403, 201)),
    ("POST", "api/v1/executions", "launch own", (401, 403, 403, 403, 201, 403, 201)),
    ("POST", "api/v1/executions", "launch sized", (401, 403, 403, 403, 201, 403, 201)),
    ("POST", "api/v1/executions", "launch secret", (401, 403, 422, 422, 201, 403, 201)),
    ("PATCH", "api/v1/executions/{hers}", "low", (401, 403, 202, 404, 404, 202, 202)),
    ("PATCH", "api/v1/executions/{hers}", "urgent", (401, 403, 403, 404, 404, 403, 202)),
    ("PATCH", "api/v1/executions/{hers}", "sized", (401, 403, 403, 404, 404, 403, 202)),
    ("DELETE", "api/v1/executions/{hers}", None, (401, 403, 202, 404, 404, 202, 202)),
    ("DELETE", "api/v1/executions/{ended}?purge=true", None, (401, 403, 202, 404, 404, 403, 202)),
    ("POST", "api/v1/executions/{server}/keep", None, (401, 403, 200, 404, 404, 200, 200)),
    ("PATCH", "api/v1/nodes/here", "drain", (401, 403, 403, 403, 403, 403, 200)),
    ("DELETE", "api/v1/drains/here", None, (401, 403, 403, 403, 403, 403, 204)),
    ("PUT", "api/v1/quotas/user/bob", "quota", (401, 403, 403, 403, 403, 403, 200)),
    ("DELETE", "api/v1/quotas/user/carol", None, (401, 403, 403, 403, 403, 403, 204)),
    ("GET", "", None, (302, 200, 200, 200, 200, 200, 200)),
    ("GET", "zapps/small", None, (302, 200, 200, 200, 200, 200, 200)),
    ("GET", "zapps/secret", None, (302, 404, 404, 404, 200, 404, 200)),
    ("GET", "zapps/small/logo", None, (302, 200, 200, 200, 200, 200, 200)),
    ("GET", "zapps/secret/logo", None, (302, 404, 404, 404, 200, 404, 200)),
    ("GET", "queue", None, (302, 403, 200, 200, 200, 200, 200)),
    ("GET", "executions", None, (302, 200, 200, 200, 200, 200, 200)),
    ("GET", "executions/{hers}", None, (302, 200, 200, 404, 404, 200, 200)),
    ("GET", "launch", None, (302, 403, 403, 403, 200, 403, 200)),
    ("GET", "launch/schema.json", None, (302, 403, 403, 403, 200, 403, 200)),
    ("GET", "usage/me", None, (302, 200, 200, 200, 200, 200, 200)),
    ("GET", "admin", None, (302, 403, 403, 403, 403, 302, 302)),
    ("GET", "admin/executions", None, (302, 403, 403, 403, 403, 200, 200)),
    ("GET", "admin/nodes", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "admin/users", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "admin/quota?kind=user&name=bob", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "admin/usage", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "admin/warnings", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "admin/audit", None, (302, 403, 403, 403, 403, 403, 200)),
    ("GET", "static/css/zoe.css", None, (200, 200, 200, 200, 200, 200, 200)),
    ("HEAD", "static/css/zoe.css", None, (200, 200, 200, 200, 200, 200, 200)),
    ("GET", ENDPOINT, None, (302, 200, 200, 404, 404, 403, 403)),
    ("HEAD", ENDPOINT, None, (302, 200, 200, 404, 404, 403, 403)),
    ("POST", ENDPOINT, "x=1", (401, 200, 200, 404, 404, 403, 403)),
    ("PUT", ENDPOINT, "x=1", (401, 200, 200, 404, 404, 403, 403)),
    ("PATCH", ENDPOINT, "x=1", (401, 200, 200, 404, 404, 403, 403)),
    ("DELETE", ENDPOINT, None, (401, 200, 200, 404, 404, 403, 403)),
    ("OPTIONS", ENDPOINT, None, (401, 200, 200, 404, 404, 403, 403)),
    ("POST", "zapps/small", "name=it", (401, 403, 303, 303, 303, 403, 303)),
    ("POST", "zapps/secret", "name=it", (401, 404, 404, 404, 303, 404, 303)),
    ("POST", "zapps/small/estimate", "name=it", (401, 403, 200, 200, 200, 403, 200)),
    ("POST", "queue/{hers}/priority", "priority=low", (401, 403, 303, 404, 404, 303, 303)),
    ("POST", "queue/{hers}/stop", "x=1", (401, 403, 303, 404, 404, 303, 303)),
    ("POST", "executions/{hers}/stop", "x=1", (401, 403, 303, 404, 404, 303, 303)),
    ("POST", "executions/{hers}/change", "priority=low", (401, 403, 303, 404, 404, 303, 303)),
    ("POST", "executions/{server}/keep", "x=1", (401, 403, 303, 404, 404, 303, 303)),
    ("POST", "launch", "own form", (401, 403, 403, 403, 303, 403, 303)),
    ("POST", "launch/check", "description={}", (401, 403, 403, 403, 200, 403, 200)),
    ("POST", "admin/nodes/here/drain", "draining=true", (401, 403, 403, 403, 403, 403, 303)),
    ("POST", "admin/drains/here/remove", "x=1", (401, 403, 403, 403, 403, 403, 303)),
    ("POST", "admin/quota", "kind=user&name=bob", (401, 403, 403, 403, 403, 403, 303)),
    ("POST", "admin/quota/remove", "kind=user&name=carol", (401, 403, 403, 403, 403, 403, 303)),
]  # fmt: skip
"""Method, address, body, and the status for each of ``WHO``."""


SAME_FOR_ALL = {
    ("GET", "static/css/zoe.css"),  # the login page shows them too
    ("HEAD", "static/css/zoe.css"),
    ("GET", "admin"),  # leads to the first page that one may see, or to the login
}
"""Rows that do not tell one caller from another: who may gets 2xx, or 303 after a form."""

ELSEWHERE = {
    "LoginCallback": "tests/zoe_hub/portal/test_auth.py",
    "EndpointElsewhere": "tests/zoe_hub/portal/endpoints/test_hosted_limits.py",
    "Entrance": "tests/zoe_hub/portal/endpoints/test_hosted_limits.py",
    "HostedEndpoint": "tests/zoe_hub/portal/endpoints/test_hosted.py",
    "Arrival": "tests/zoe_hub/portal/endpoints/test_hosted.py",
}
"""Handlers that need a browser, or hosts of executions, and where they are tested."""


class Site:
    """What is alice's, and an administrator's, in a portal."""

    def __init__(self, portal: Portal, port: int) -> None:
        self._portal = portal
        self._port = port
        self._numbers = count()

    async def address(self, path: str) -> str:
        """The address of something new of alice's."""
        if "{hers}" in path:
            number = number_of(await launch(self._portal, self._port))
            return path.replace("{hers}", str(number))
        if "{server}" in path:
            name = f"lab-{next(self._numbers)}"
            return path.replace("{server}", str(self._execution("running", server_name=name)))
        if "{ended}" in path:
            return path.replace("{ended}", str(self._execution("terminated")))
        return path

    def _execution(self, status: str, **fields: Any) -> int:
        number = submit(self._portal.database, zapp="small", **fields)
        moments = {"started_at": datetime.now(UTC)}
        if status == "terminated":
            moments["ended_at"] = moments["started_at"]
        with self._portal.database.transaction() as connection:
            mine = update(tables.executions).where(tables.executions.c.id == number)
            connection.execute(mine.values(status=status, **moments))
        return number


@pytest.fixture(autouse=True)
def servers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub does not know them."""
    monkeypatch.setattr(Respawner, "start", lambda self: None)


@pytest.fixture
def site(
    portal: Portal, application: tuple[Application, int], monkeypatch: pytest.MonkeyPatch
) -> Site:
    """With a node that is drained, a quota, and a scheduler that answers."""

    async def use(*_: object, **__: object) -> UseReply:
        return UseReply(items=())

    async def read_log(wanted: ReadLog) -> tuple[LogChunk, bytes]:
        return LogChunk(offset=0, size=5, finished=True), b"hello"[wanted.offset :]

    async def estimate(wanted: Estimate) -> tuple[Estimated, ...]:
        now = Estimated(low=0, mid=0, high=0, sentence="It would start now.")
        return (now,) * len(wanted.descriptions)

    for each in (use, read_log, estimate):
        monkeypatch.setattr(portal.context.link, each.__name__, each)
    fields = {"memory": 2**34, "millicores": 4000, "gpus": 0, "labels": [], "devices": []}
    state = {"online": True, "draining": False, "pressured": False, "missing_images": {}}
    here = {"name": "here", "seen_at": func.now(), **fields, **state}
    with portal.database.transaction() as connection:
        connection.execute(insert(tables.nodes).values(**here))
        drain = {"node": "here", "by_user": "olga", "at": func.now()}
        connection.execute(insert(tables.drains).values(**drain))
    set_quota(portal.database, "user", "carol", Quota(executions=3), "olga")
    return Site(portal, application[1])


async def ask(portal: Portal, who: str, method: str, path: str, body: str | None) -> int:
    """The status of an answer; its body may never end."""
    headers = portal.headers(*CALLERS[who]) if who in CALLERS else {}
    sent: dict[str, Any] = {"json": JSON[body]} if body in JSON else {}
    if body and body not in JSON:
        fields = FORMS.get(body) or dict(part.split("=") for part in body.split("&"))
        sent = {"data": fields}
    async with portal.client.stream(method, path, headers=headers, timeout=30, **sent) as answer:
        return answer.status_code


def pattern_of(portal: Portal, path: str) -> str:
    """The pattern of the handler that answers there."""
    for each in ("hers", "server", "ended"):
        path = path.replace(f"{{{each}}}", "1")
    request = httpx.URL(portal.url).path + path.partition("?")[0]
    for rule in portal.application.wildcard_router.rules:
        matcher = rule.matcher
        if matcher.regex.match(request):
            return str(matcher.regex.pattern)
    raise AssertionError(f"nobody answers at {path}")


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"), ROWS, ids=[" ".join(map(str, row[:3])) for row in ROWS]
)
async def test_who_gets_what(
    portal: Portal, site: Site, method: str, path: str, body: str | None, statuses: tuple[int, ...]
) -> None:
    for who, status in zip(WHO, statuses, strict=True):
        got = await ask(portal, who, method, await site.address(path), body)
        assert got == status, f"{who} got {got}"


def test_each_row_tells_who_may_from_who_may_not() -> None:
    alike = {
        (method, path)
        for method, path, _, statuses in ROWS
        if len({each < 300 or each == 303 for each in statuses}) == 1
    }
    assert alike == SAME_FOR_ALL


def served(portal: Portal) -> Iterator[tuple[str, str, str]]:
    """Method, pattern, and name of the handler, with and without hosts of executions."""
    prefix = httpx.URL(portal.url).path
    beside: list[tuple[str, type[RequestHandler]]] = [
        (prefix + pattern, handler) for pattern, handler in endpoints.ROUTES_BESIDE_HOSTS
    ]
    own = routing.routes(prefix, portal.context.hosts)
    for pattern, handler in [*own, *beside, *routing.host_routes(prefix)]:
        for method in RequestHandler.SUPPORTED_METHODS:
            name = method.lower()
            if getattr(handler, name) is not getattr(RequestHandler, name):
                yield method, pattern, handler.__name__


async def test_no_address_is_missing(portal: Portal) -> None:
    assert not portal.context.hosts
    known = {(method, pattern_of(portal, path)) for method, path, _, _ in ROWS}
    missing, elsewhere = set(), set()
    for method, pattern, handler in served(portal):
        if handler in ELSEWHERE:
            elsewhere.add(handler)
        elif (method, f"{pattern.rstrip('$')}$") not in known:
            missing.add((method, pattern, handler))
    assert not missing
    assert elsewhere == set(ELSEWHERE)
    root = Path(__file__).parents[4]
    assert all((root / each).is_file() for each in ELSEWHERE.values())
