"""Where the client looks for Zoe, and in which order."""

import json
import stat
from pathlib import Path

import pytest

from zoe_client import NoSettings, find_settings, save_settings

NOTEBOOK = {
    "JUPYTERHUB_API_TOKEN": "notebook",
    "JUPYTERHUB_API_URL": "http://10.0.0.1:8081/base/hub/api",
    "JUPYTERHUB_BASE_URL": "/base/",
    "JUPYTERHUB_HOST": "",
}


@pytest.mark.parametrize(
    ("arguments", "environment", "url", "token"),
    [
        (("https://a/zoe", "t"), {"ZOE_URL": "https://b/"}, "https://a/zoe/", "t"),
        ((None, None), {"ZOE_URL": "https://b", "ZOE_TOKEN": "u"}, "https://b/", "u"),
        ((None, None), NOTEBOOK, "http://10.0.0.1:8081/base/services/zoe/", "notebook"),
        (
            (None, None),
            {**NOTEBOOK, "JUPYTERHUB_HOST": "https://h"},
            "https://h/base/services/zoe/",
            "notebook",
        ),
        (
            (None, None),
            {**NOTEBOOK, "JUPYTERHUB_PUBLIC_HUB_URL": "https://p/base/hub/"},
            "https://p/base/services/zoe/",
            "notebook",
        ),
        ((None, None), {**NOTEBOOK, "ZOE_URL": "https://z/"}, "https://z/", "notebook"),
    ],
)
def test_the_nearest_word_wins(
    arguments: tuple[str | None, str | None], environment: dict[str, str], url: str, token: str
) -> None:
    found = find_settings(*arguments, environment)

    assert (found.url, found.token) == (url, token)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((None, "t"), "ZOE_URL"),
        (("https://a/", None), "ZOE_TOKEN"),
        (("hub.example.org", "t"), "http"),
        (("http://hub.example.org:99999/", "t"), "99999"),
        (("https://a/", "s\necret"), "characters"),
        (("https://a/", "s\u00e9cret"), "characters"),
    ],
)
def test_what_is_missing_is_named(
    arguments: tuple[str | None, str | None], said: str, tmp_path: Path
) -> None:
    with pytest.raises(NoSettings, match=said) as refused:
        find_settings(*arguments, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert "ecret" not in str(refused.value)


def test_what_was_saved_is_found_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    for token in ("old", "kept"):
        file = save_settings("https://a/zoe/", token, home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    found = find_settings(None, None, home)
    assert (found.url, found.token) == ("https://a/zoe/", "kept")
    assert find_settings(None, "given", home).token == "given"
    assert find_settings("https://a/zoe", None, home).token == "kept"


def test_a_token_that_was_saved_is_for_its_own_address(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    save_settings("https://a/zoe/", "kept", home)
    with pytest.raises(NoSettings, match="no token for https://evil/"):
        find_settings("https://evil/", None, home)


@pytest.mark.parametrize("text", ["", "[]", json.dumps({"url": "https://a/"}), "\x00"])
def test_a_file_that_says_something_else_is_named(tmp_path: Path, text: str) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    file = save_settings("https://a/zoe/", "kept", home)
    file.write_text(text)
    with pytest.raises(NoSettings, match=r"config\.json cannot be used"):
        find_settings(None, None, home)


def test_the_token_of_a_notebook_is_for_its_own_hub(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    own = find_settings("http://10.0.0.1:8081/base/services/zoe", None, {**NOTEBOOK, **home})
    assert own.token == "notebook"
    with pytest.raises(NoSettings, match="no token for https://evil/"):
        find_settings("https://evil/", None, {**NOTEBOOK, **home})


def test_a_token_from_a_file_may_end_with_a_newline() -> None:
    assert find_settings(None, None, {"ZOE_URL": "https://a/", "ZOE_TOKEN": "t\n"}).token == "t"


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(find_settings("https://a/", "secret", {}))
