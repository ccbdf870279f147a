"""Where the client looks for Zoe, and in which order."""

import pytest

from zoe_client import NoSettings
from zoe_client._settings import find_settings

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
    ],
)
def test_what_is_missing_is_named(arguments: tuple[str | None, str | None], said: str) -> None:
    with pytest.raises(NoSettings, match=said):
        find_settings(*arguments, {})


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(find_settings("https://a/", "secret", {}))
