"""A field for each parameter, which says what is wrong with its value."""

from __future__ import annotations

from typing import Any

import pytest
from ipywidgets import Checkbox, FloatSlider, IntSlider, Text, Textarea

from zoe_client.widgets._fields import Field
from zoe_core.protocol.rest import Parameter


def field(**fields: Any) -> Field:
    known: dict[str, Any] = {
        "name": "THING",
        "alias": "thing",
        "label": "Thing",
        "kind": "environment",
        "type": "string",
    }
    return Field("Thing", "", Parameter(**(known | fields)), "", lambda: None)


@pytest.mark.parametrize(
    ("parameter", "control"),
    [
        ({"type": "bool", "default": True}, Checkbox),
        ({"type": "int", "default": 2, "min": 1, "max": 16}, IntSlider),
        ({"type": "float", "default": 0.5, "min": 0, "max": 1}, FloatSlider),
        ({"type": "int", "default": 2, "min": 1, "max": 100_000}, Text),
        ({"type": "int", "default": 2, "min": 1}, Text),
        ({"type": "int", "min": 1, "max": 16}, Text),
        ({"kind": "notebook", "type": "object", "default": ""}, Textarea),
        ({"default": "pi"}, Text),
    ],
)
def test_a_control_fits_the_parameter(parameter: dict[str, Any], control: type) -> None:
    made = field(**parameter)

    assert type(made.control) is control
    assert made.check()


@pytest.mark.parametrize(
    ("parameter", "typed", "error"),
    [
        ({"type": "int", "min": 1}, "0", "is 0: must be 1 or more"),
        ({"type": "int"}, "many", "is 'many': must be a whole number"),
        ({"type": "float", "min": 0, "max": 1000, "step": 0.001}, "2000", "must be 0 to 1000"),
        ({"kind": "notebook", "type": "object"}, "no variable", "no variable"),
    ],
)
def test_what_is_wrong_stands_next_to_it(parameter: dict[str, Any], typed: str, error: str) -> None:
    made = field(**parameter)
    made.control.value = typed

    assert not made.check()
    assert error in made.error
    assert 'role="alert"' in made._error.value
    assert made._error.layout.display is None

    made.control.value = ""
    assert made.check()
    assert made.value is None
    assert made._error.layout.display == "none"


def test_a_text_may_be_emptied_when_its_default_is_not_empty() -> None:
    assert field(default="").value is None
    made = field(default="pi")
    made.control.value = ""
    assert made.value == ""
