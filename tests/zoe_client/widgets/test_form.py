"""What a launch form asks for, without a browser and without a portal."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from zoe_client import AsyncClient
from zoe_client.widgets._form import LaunchForm
from zoe_core.protocol import rest

STARTS = {"items": [{"status": "now", "text": "Starts at once"}]}


@pytest.mark.parametrize("name", ["resources", "runtime_limit", "alternatives", "zapp"])
async def test_a_parameter_may_be_called_as_an_argument_of_the_client(name: str) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=STARTS)

    parameter = rest.Parameter(
        name=name, label=name, kind="environment", type="string", default="big"
    )
    zapp = rest.ZAppDetail(
        slug="job", name="Job", category="jobs", url="/zapps/job", parameters=(parameter,)
    )
    async with AsyncClient("http://zoe/", "t", transport=httpx.MockTransport(answer)) as client:
        form = LaunchForm(client, zapp, lambda _: None, lambda _: None, lambda: None)
        await form._estimate()
        form.close()

    assert [each["parameters"] for each in asked] == [{name: "big"}]
    assert "runtime_limit" not in asked[0]
    assert "Starts at once" in form._when.value
