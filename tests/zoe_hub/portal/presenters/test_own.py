"""Own descriptions: from text to JSON, and an example that is right."""

import json

import pytest

from zoe_core.amount import Amount
from zoe_core.cluster import Node
from zoe_core.protocol.rest import MAX_BODY
from zoe_core.zapp import Problem, parse_zapp
from zoe_hub.portal.presenters.own import example, read_description, told, written


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Paste a description"),
        (" \n", "Paste a description"),
        ("{", "It is not JSON: "),
        ('{"a": 1,}', "line 1, column"),
        ("[1]", "a description is an object"),
        ("x" * (MAX_BODY + 1), "It is longer than"),
        ("[" * 5000, "It "),
    ],
)
def test_what_is_no_description_says_why(text: str, problem: str) -> None:
    read = read_description(text)
    assert read.document is None
    assert problem in read.problem


def test_what_was_written_is_read_again() -> None:
    document = {"name": "café", "services": []}
    assert read_description(written(document)).document == document


def test_paths_are_those_of_the_description() -> None:
    problems = [Problem("description.services[0].image", "is missing"), Problem("description", "x")]
    assert [each.field for each in told([*problems, Problem("name", "y")])] == [
        "services[0].image",
        "",
        "name",
    ]


@pytest.mark.parametrize("images", [None, frozenset({"zoe/mpi", "zoe/jupyter"})])
def test_the_example_is_right_and_names_an_image_that_is_here(
    images: frozenset[str] | None,
) -> None:
    document = example([Node("node", Amount(2**30, 1000), images=images)])
    zapp = parse_zapp(json.loads(json.dumps(document))).zapp
    assert images is None or zapp.services[0].image in images
