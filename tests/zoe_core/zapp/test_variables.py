"""The variables of a notebook, as people write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.zapp import (
    NOTEBOOK_VARIABLE,
    Parameter,
    ZAppError,
    apply_parameters,
    parse_zapp,
    read_variables,
    write_lines,
)

NOTEBOOK = Parameter(kind="environment", name="ZOE_NOTEBOOK", alias="notebook")
RATE = Parameter(kind="notebook", name="rate", type="float", default=0.5)
HOLDER = Parameter(kind="notebook", name="parameters", type="object", default="")
ZAPP = parse_zapp(
    {
        "name": "job",
        "version": 4,
        "services": [
            {
                "name": "notebook",
                "image": "zoe/notebook",
                "monitor": True,
                "total_count": 1,
                "essential_count": 1,
                "command": "run",
            }
        ],
    }
).zapp


def given_to_the_notebook(*parameters: Parameter, **values: object) -> object:
    """What a notebook gets; None without the variable."""
    zapp = apply_parameters(ZAPP, parameters or (NOTEBOOK, HOLDER), values)
    text = dict(zapp.services[0].environment).get(NOTEBOOK_VARIABLE)
    return None if text is None else json.loads(text)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("month = 5", {"month": 5}),
        ("month=5\n\n  year = 2026  \n", {"month": 5, "year": 2026}),
        ("name = May", {"name": "May"}),
        ('name = "5"', {"name": "5"}),
        ("a = b = c", {"a": "b = c"}),
        ("on = true\noff = null", {"on": True, "off": None}),
        ("sizes = [1, 2.5]", {"sizes": [1, 2.5]}),
        ("none =", {"none": ""}),
        ("number = NaN", {"number": "NaN"}),
        ("größe = 1", {"größe": 1}),
        ('{"month": 5, "sizes": [1]}', {"month": 5, "sizes": [1]}),
        (' \n{"month": 5}', {"month": 5}),
        ({"month": 5}, {"month": 5}),
    ],
)
def test_lines_or_an_object(text: object, variables: dict[str, Any]) -> None:
    assert read_variables(text) == variables


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("month", "has the line 'month': must be lines such as month = 5, or a JSON object"),
        ("a = 1\na = 2", "names 'a' twice: keep one"),
        ('{"a": 1, "a": 2}', "has the field 'a' twice"),
        ('{"a": ', "is not JSON: Expecting value at line 1, column 7. It must be lines"),
        ("a b = 1", "names the variable 'a b': a name must be letters"),
        ("= 1", "names the variable '': a name must be letters"),
        ("class = 1", "names the variable 'class': .* no word of Python's own"),
        ('{"a-b": 1}', "names the variable 'a-b'"),
        ("x = 1e999", "must be something that JSON can say"),
        ('x = "\\ud800"', "must not contain broken Unicode"),
        ("x = " + "y" * 40_000, "has 40009 characters: must have at most 32768"),
        (5, "is 5: must be lines such as month = 5"),
        (["month"], "is a list of 1: must be lines"),
    ],
)
def test_what_is_wrong_with_them(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_variables(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["month", "year", "größe"]), json_values))
def test_written_lines_are_read_alike(variables: dict[str, Any]) -> None:
    assert read_variables(write_lines(variables)) == variables


def test_further_names_are_variables() -> None:
    given = given_to_the_notebook(notebook="a.ipynb", month=5, name="May", half=0.5, no=None)
    assert given == {"month": 5, "name": "May", "half": 0.5, "no": None}
    assert given_to_the_notebook(month="5") == {"month": "5"}  # text stays text
    assert given_to_the_notebook(parameters="year = 2026", month=5) == {"year": 2026, "month": 5}


def test_beside_variables_with_a_type() -> None:
    assert given_to_the_notebook(RATE, HOLDER) == {"rate": 0.5}
    assert given_to_the_notebook(RATE, HOLDER, rate="0.25", month=1) == {"rate": 0.25, "month": 1}
    assert given_to_the_notebook(RATE, HOLDER, parameters="rate = 2") == {"rate": 2}


def test_a_default_gives_way() -> None:
    holder = HOLDER.model_copy(update={"default": "month = 1\nyear = 2026"})
    assert given_to_the_notebook(holder) == {"month": 1, "year": 2026}
    assert given_to_the_notebook(holder, month=5) == {"month": 5, "year": 2026}


def test_without_a_holder_nothing_is_set() -> None:
    assert given_to_the_notebook(NOTEBOOK, notebook="x") is None


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"parameters": "month = 5", "month": 6}, "month", "and so does 'parameters': keep one"),
        ({"rate": 1, "parameters": "rate = 2"}, "parameters", "and so does 'rate': keep one"),
        ({"notebok": "x"}, "notebok", "is not known: did you mean 'notebook'?"),
        ({"parameter": 1}, "parameter", "did you mean 'parameters'?"),
        ({"a-b": 1}, "a-b", "names the variable 'a-b'"),
        ({"lambda": 1}, "lambda", "names the variable 'lambda'"),
        ({"month": [1]}, "month", "is a list of 1: must be text, a number, true, false or null"),
        ({"month": float("nan")}, "month", "must be something that JSON can say"),
        ({"month": "\ud800"}, "month", "broken Unicode"),
        ({"parameters": "month"}, "parameters", "has the line 'month'"),
    ],
)
def test_what_is_refused_names_the_field(
    values: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(ZAppError) as caught:
        given_to_the_notebook(NOTEBOOK, RATE, HOLDER, **values)
    [problem] = caught.value.problems
    assert problem.field == f"parameters.{field}"
    assert message in problem.message
