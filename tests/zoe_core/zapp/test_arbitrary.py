"""Whatever comes in, only the errors of this package come out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.zoe_core.zapp.documents import VERSION_3, full_4
from zoe_core.zapp import ParsedZApp, ZAppError, parse_zapp, parse_zapp_json, zapp_document

FIELDS = sorted({key for make in [*VERSION_3.values(), full_4] for key in make()["services"][0]})
keys = st.sampled_from([*FIELDS, "version", "services", "min", "max"]) | st.text(max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(st.characters(), max_size=8)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)


def parts(document: Any) -> list[tuple[Any, Any]]:
    """Return every place of a document, as the container and the key or number in it."""
    if isinstance(document, dict):
        own: list[tuple[Any, Any]] = [(document, key) for key in document]
        return own + [place for value in document.values() for place in parts(value)]
    if isinstance(document, list):
        own = [(document, number) for number in range(len(document))]
        return own + [place for value in document for place in parts(value)]
    return []


def explanation(read: Callable[[Any], ParsedZApp], document: Any) -> ZAppError | None:
    """Return why a document cannot be read, or None when it can; any other error fails the test."""
    try:
        read(document)
    except ZAppError as error:
        return error
    return None


def read_or_explain(document: Any) -> None:
    error = explanation(parse_zapp, document)
    if error is None:
        zapp = parse_zapp(document).zapp
        assert parse_zapp(zapp_document(zapp)).zapp == zapp
    else:
        assert error.problems
        assert len(str(error).encode()) < 50_000


@given(anything)
def test_anything(document: Any) -> None:
    read_or_explain(document)


@given(st.dictionaries(keys, anything, max_size=6), st.sampled_from([3, 4]))
def test_any_object_with_a_version(document: dict[str, Any], version: int) -> None:
    read_or_explain(document | {"version": version})


@given(st.sampled_from([*VERSION_3.values(), full_4]), st.data(), anything)
def test_a_description_with_one_thing_replaced(make: Any, data: st.DataObject, value: Any) -> None:
    document = make()
    container, key = data.draw(st.sampled_from(parts(document)))
    container[key] = value
    read_or_explain(document)


@given(st.text() | st.binary())
def test_any_text(text: str | bytes) -> None:
    error = explanation(parse_zapp_json, text)
    assert error is not None  # no such text is a description, by the odds
    assert error.problems


@given(st.sampled_from([*VERSION_3.values(), full_4]), st.data())
def test_a_description_that_was_cut_off(make: Any, data: st.DataObject) -> None:
    text = json.dumps(make())
    error = explanation(parse_zapp_json, text[: data.draw(st.integers(0, len(text) - 1))])
    assert error is not None
    assert "is not JSON" in str(error)
