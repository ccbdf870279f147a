"""The documentation of REST: OpenAPI 3.1, made from the declarations that check the requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from zoe_core.protocol.rest import API_VERSION, ProblemDocument
from zoe_hub.portal.auth import ApiHandler
from zoe_hub.portal.operations import JSON, Operation, operations_of
from zoe_hub.portal.problems import CONTENT_TYPE

_REF = "#/components/schemas/{model}"
_ALWAYS = (401, 403, 500, 503)

Schemas = Mapping[Any, dict[str, Any]]
"""By model and mode, ``(Execution, "serialization")``."""


def build_openapi(
    handlers: Mapping[str, type[ApiHandler]], url: str, version: str
) -> dict[str, Any]:
    """The document for handlers by their address below ``url``."""
    operations = {path: operations_of(handler) for path, handler in handlers.items()}
    models = _models(each for found in operations.values() for each in found.values())
    schemas, definitions = models_json_schema(
        sorted(models, key=lambda pair: pair[0].__name__), ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Zoe",
            "version": f"{API_VERSION} ({version})",
            "description": "Launch and follow executions. Memory is in bytes, cores are numbers, "
            "moments are ISO 8601. Every error is application/problem+json.",
        },
        "servers": [{"url": url}],
        "security": [{"hub_token": []}, {"hub_login": []}],
        "paths": {
            path: {method: _operation(each, schemas) for method, each in found.items()}
            for path, found in operations.items()
        },
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "hub_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of JupyterHub with the scope "
                    "access:services!service=zoe and those that an operation names.",
                },
                "hub_login": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "service-zoe",
                    "description": "The browser's login; scripts of pages also send X-XSRFToken.",
                },
            },
        },
    }


def _models(operations: Iterable[Operation]) -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    models: set[tuple[type[BaseModel], JsonSchemaMode]] = {(ProblemDocument, "serialization")}
    for each in operations:
        if each.body is not None:
            models.add((each.body, "validation"))
        if each.response is not None:
            models.add((each.response, "serialization"))
    return models


def _operation(declared: Operation, schemas: Schemas) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": declared.id,
        "summary": declared.summary,
        "description": declared.description,
        "tags": [declared.tag],
        "parameters": list(_parameters(declared)),
        "responses": {**_answers(declared, schemas), **_errors(declared, schemas)},
    }
    if declared.body is not None:
        schema = schemas[declared.body, "validation"]
        document["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if declared.scopes:
        document["security"] = [  # one of these is enough
            {scheme: [str(scope)]}
            for scope in declared.scopes
            for scheme in ("hub_token", "hub_login")
        ]
    return document


def _parameters(declared: Operation) -> Iterator[dict[str, Any]]:
    for place, model in (
        ("path", declared.path),
        ("query", declared.query),
        ("header", declared.headers),
    ):
        if model is None:
            continue
        schema = model.model_json_schema(ref_template=_REF)
        required = schema.get("required", [])
        for name, described in schema["properties"].items():
            own = _inlined(described, schema.get("$defs", {}))
            yield {
                "name": name,
                "in": place,
                "required": name in required,
                "description": own.pop("description", ""),
                "schema": own,
            }


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Put the few definitions of parameters (an enumeration) where they are used."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return dict(definitions[schema["$ref"].rpartition("/")[2]])
    return {key: _inlined(value, definitions) for key, value in schema.items()}


def _answers(declared: Operation, schemas: Schemas) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, meaning in declared.answers.items():
        answer: dict[str, Any] = {"description": meaning}
        answers[str(status)] = answer
        if declared.answer_headers:
            answer["headers"] = {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in declared.answer_headers.items()
            }
        if status != HTTPStatus.NO_CONTENT:
            answer["content"] = {declared.media: {"schema": _answer_schema(declared, schemas)}}
    return answers


def _answer_schema(declared: Operation, schemas: Schemas) -> dict[str, Any]:
    if declared.response is not None:
        return schemas[declared.response, "serialization"]
    return {"type": "object"} if declared.media == JSON else {"type": "string"}


def _errors(declared: Operation, schemas: Schemas) -> dict[str, Any]:
    statuses = {*_ALWAYS, *declared.errors}
    if declared.path is not None:
        statuses.add(404)
    if declared.query is not None or declared.headers is not None:
        statuses.add(400)
    if declared.body is not None:
        statuses |= {400, 411, 413, 415, 422}
    schema = schemas[ProblemDocument, "serialization"]
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for status in sorted(statuses)
    }
