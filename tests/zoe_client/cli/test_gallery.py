"""`zoe gallery ZAPP`, of ZApps that the gallery of these tests does not have."""

from __future__ import annotations

from typing import Any

import pytest

from zoe_client.cli._output import Output
from zoe_client.cli.commands.gallery import _show_one
from zoe_core.protocol.rest import ZAppDetail
from zoe_core.zapp import parse_zapp, zapp_document

MAIN = {"name": "main", "image": "i", "monitor": True, "total_count": 2, "essential_count": 1}


def shown(zapp: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The row of its last service."""
    _show_one(
        Output(as_json=False),
        ZAppDetail(slug="mine", name="Mine", category="batch", url="/mine", zapp=zapp),
    )
    return capsys.readouterr().out.splitlines()[-1].split()


@pytest.mark.parametrize(
    ("resources", "sizes"),
    [
        ({}, ["-", "-"]),
        ({"memory": {"min": 2**30, "max": None}}, ["1", "GB", "-"]),
        ({"cores": {"min": 0.5}}, ["-", "0.5"]),
        ({"memory": {"max": 2**30}, "cores": {"min": None}}, ["-", "-"]),
        ({"gpus": 1}, ["-", "-"]),
    ],
)
def test_a_size_that_the_description_does_not_say_is_a_dash(
    resources: dict[str, Any], sizes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The document that REST gives leaves out whatever is as usual."""
    services = [{**MAIN, "resources": resources}]
    described = {"version": 4, "name": "mine", "will_end": True, "services": services}

    zapp = zapp_document(parse_zapp(described).zapp)

    assert shown(zapp, capsys) == ["main", *sizes]


@pytest.mark.parametrize("resources", [None, {"memory": None, "cores": {}}])
def test_a_size_that_is_null_is_a_dash(
    resources: object, capsys: pytest.CaptureFixture[str]
) -> None:
    zapp = {"services": [{**MAIN, "resources": resources}]}

    assert shown(zapp, capsys) == ["main", "-", "-"]
