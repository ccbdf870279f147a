"""The documentation of REST: valid, complete, and the same as what is served."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.zoe_hub.portal.conftest import Portal
from zoe_core.protocol.rest import ExecutionRequest
from zoe_hub.portal.api import HANDLERS
from zoe_hub.portal.openapi import build_openapi
from zoe_hub.portal.operations import operations_of

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    built = build_openapi(HANDLERS, "/services/zoe/api/v1", "1.0")
    copy: dict[str, Any] = json.loads(json.dumps(built))  # it is JSON, nothing else
    return copy


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_method_that_is_served_is_documented(document: dict[str, Any]) -> None:
    served = {
        (path, method)
        for path, handler in HANDLERS.items()
        for method in METHODS
        if method in vars(handler)
    }
    documented = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }

    assert documented == served


def test_the_variables_of_an_address_are_documented(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            declared = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_operations_have_names_of_their_own_and_an_explanation() -> None:
    found = [each for handler in HANDLERS.values() for each in operations_of(handler).values()]

    assert len({each.id for each in found}) == len(found)
    assert all(each.summary and each.description for each in found)


def test_an_enumeration_is_written_out_where_it_is_used(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/executions"]["get"]["parameters"]
    (status,) = [each for each in parameters if each["name"] == "status"]

    assert "running" in status["schema"]["items"]["enum"]


def test_the_body_that_is_documented_is_the_body_that_is_read(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["ExecutionRequest"]

    assert set(schema["properties"]) == set(ExecutionRequest.model_fields)
    assert schema["additionalProperties"] is False


async def test_it_is_served(portal: Portal) -> None:
    served = (await portal.get("/openapi.json")).json()

    assert served["openapi"].startswith("3.1")
    assert served["servers"] == [{"url": "/services/zoe/api/v1"}]
