"""What somebody who starts Zoe is told of her engines."""

from tests.support.builders import node
from zoe_hub.remarks import remarks

IMAGES = ["zoe/jupyter", "zoe/spark", "zoe/jupyter"]


def test_nothing_is_said_when_all_is_there() -> None:
    here = node("here", local_images=frozenset({"zoe/jupyter"}))
    there = node("there", local_images=frozenset({"zoe/spark", "nginx"}))
    assert remarks([here, there], IMAGES) == []


def test_what_to_do_about_missing_images_is_said() -> None:
    said = remarks([node("here", local_images=frozenset({"zoe/spark"}))], IMAGES)
    assert said == ["No engine has zoe/jupyter: “make images” builds the gallery's images."]


def test_an_engine_that_does_not_answer_is_named_and_nothing_is_said_of_its_images() -> None:
    [said] = remarks([node("here", online=False)], IMAGES)
    assert said.startswith("No Docker Engine answers as 'here': nothing runs there until it does")
