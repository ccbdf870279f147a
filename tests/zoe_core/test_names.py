from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoe_core.names import (
    check_execution_name,
    check_slug,
    make_slug,
    workspace_name,
)


@pytest.mark.parametrize("name", ["a", "My run 3", "v1.2_final-x", "été", "x" * 128, "-"])
def test_execution_names_that_are_fine(name: str) -> None:
    assert check_execution_name(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "0 characters long"),
        ("x" * 129, "129 characters long"),
        ("a/b", "contains '/'"),
        ("a\\b", "contains '\\\\'"),
        ("a\nb", "contains '\\n'"),
        ("a\0b", "contains '\\x00'"),
        ("<script>", "contains '<'"),
        ("a\u202eb", "contains '\\u202e'"),
        (".", "must contain a letter"),
        ("..", "must contain a letter"),
        (" . ", "must contain a letter"),
    ],
)
def test_execution_names_that_are_not(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_execution_name(name)


@pytest.mark.parametrize("slug", ["a", "spark-job", "0", "x" * 64])
def test_slugs_that_are_fine(slug: str) -> None:
    assert check_slug(slug) == slug


@pytest.mark.parametrize("slug", ["", "A", "a--b", "-a", "a-", "a/b", "a\n", "x" * 65])
def test_slugs_that_are_not(slug: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters and digits"):
        check_slug(slug)


@given(st.text())
def test_a_slug_that_was_made_is_a_slug(name: str) -> None:
    slug = make_slug(name)
    assert slug == "" or check_slug(slug) == slug


def test_a_slug_from_a_name() -> None:
    assert make_slug("Spark job (small)") == "spark-job-small"


@pytest.mark.parametrize(
    ("user", "directory"),
    [
        ("ada", "ada"),
        ("ada@example.org", "ada@example.org"),
        ("Ada", "%41da"),
        ("a/b", "a%2Fb"),
        ("..", "%2E."),
        (".", "%2E"),
        ("%41da", "%2541da"),
        ("é", "%C3%A9"),
    ],
)
def test_workspace_names(user: str, directory: str) -> None:
    assert workspace_name(user) == directory


@given(st.text(st.characters(), min_size=1, max_size=300))
def test_a_workspace_is_one_safe_path_component(user: str) -> None:
    name = workspace_name(user)
    assert re.fullmatch(r"[a-z0-9_@+%-][a-zA-F0-9_.@+%-]*", name)
    assert len(name.encode()) <= 200


@given(st.lists(st.text(st.characters(), min_size=1, max_size=120), unique=True, min_size=2))
def test_no_two_users_share_a_workspace(users: list[str]) -> None:
    names = {workspace_name(user).lower() for user in users}
    assert len(names) == len(users)


def test_long_names_that_begin_alike_differ() -> None:
    one, other = workspace_name("x" * 500 + "1"), workspace_name("x" * 500 + "2")
    assert one != other
    assert len(one) == len(other) == 200


def test_a_user_without_a_name_has_no_workspace() -> None:
    with pytest.raises(ValueError, match="is empty"):
        workspace_name("")
