"""What passes between browser and instance, header by header."""

import pytest

from zoe_hub.portal.endpoints.headers import (
    FRAME_POLICY,
    Visit,
    confine_cookie,
    request_headers,
    response_headers,
    rewrite_location,
    without_token,
)
from zoe_hub.portal.endpoints.target import Target

PATH = "/services/zoe/executions/42/endpoints/main-0/8080/"
TARGET = Target("http", "127.1.2.3", 31000, PATH, keeps_path=False)
KEEPS = Target("http", "127.1.2.3", 31000, PATH, keeps_path=True)
VISIT = Visit("https", "hub.example.org", "192.0.2.7")


def sent(*headers: tuple[str, str]) -> dict[str, str]:
    """What the instance gets, names in lower case."""
    passed = request_headers(headers, VISIT, TARGET, lambda value: value == "ours")
    return {name.lower(): value for name, value in passed}


def received(*headers: tuple[str, str]) -> list[tuple[str, str]]:
    """What the browser gets, besides the policy that is always there."""
    passed = list(response_headers(headers, VISIT, TARGET))
    assert passed.pop() == ("Content-Security-Policy", FRAME_POLICY)
    return passed


def test_what_belongs_to_the_hub_never_reaches_the_instance() -> None:
    cookies = (
        "jupyterhub-session-id=1; service-zoe=2; jupyterhub-user-alice=3; _xsrf=ours; "
        "__Host-service-zoe=4; theme=dark; _xsrf=theirs; JupyterHub-Hub-Login=5"
    )

    headers = sent(("Authorization", "token secret"), ("Cookie", cookies))

    assert "authorization" not in headers
    assert headers["cookie"] == "theme=dark; _xsrf=theirs"


@pytest.mark.parametrize("name", ["X-XSRFToken", "X-CSRFToken"])
def test_only_the_xsrf_token_of_the_instance_reaches_it(name: str) -> None:
    assert name.lower() not in sent((name, "ours"))
    assert sent((name, "theirs"))[name.lower()] == "theirs"


def test_without_cookies_of_its_own_the_instance_gets_none() -> None:
    assert "cookie" not in sent(("Cookie", "service-zoe=2"))


def test_what_a_browser_says_of_proxies_is_replaced() -> None:
    headers = sent(
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-User", "root"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
    )

    assert headers == {
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-host": "hub.example.org",
        "x-forwarded-prefix": PATH.rstrip("/"),
        "x-forwarded-proto": "https",
    }


def test_headers_of_the_connection_stay_on_it() -> None:
    headers = sent(
        ("Connection", "keep-alive, X-Private"),
        ("X-Private", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Sec-WebSocket-Key", "abc"),
        ("Accept", "text/html"),
    )

    assert headers.keys() - {"accept"} == {
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-prefix",
        "x-forwarded-proto",
    }


def test_headers_that_speak_for_the_whole_origin_are_dropped() -> None:
    headers = received(
        ("Service-Worker-Allowed", "/"),
        ("Clear-Site-Data", '"*"'),
        ("Strict-Transport-Security", "max-age=1"),
        ("Connection", "close"),
        ("Content-Type", "text/html"),
        ("Content-Security-Policy", "default-src 'self'"),
    )

    assert headers == [
        ("Content-Type", "text/html"),
        ("Content-Security-Policy", "default-src 'self'"),
    ]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/", PATH),
        ("/jobs/?id=1#top", f"{PATH}jobs/?id=1#top"),
        ("http://127.1.2.3:31000/jobs/", f"{PATH}jobs/"),
        ("http://127.1.2.3:31000", PATH),
        ("https://hub.example.org/jobs/", f"{PATH}jobs/"),
        (f"{PATH}jobs/", f"{PATH}jobs/"),
        (f"https://hub.example.org{PATH}jobs/", f"{PATH}jobs/"),
        ("jobs/", "jobs/"),
        ("?id=1", "?id=1"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
        ("//elsewhere.example/", "//elsewhere.example/"),
        ("mailto:somebody", "mailto:somebody"),
    ],
)
def test_redirects_stay_below_the_endpoint(location: str, expected: str) -> None:
    assert rewrite_location(location, VISIT, TARGET) == expected
    assert received(("Location", location)) == [("Location", expected)]


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1", f"a=1; Path={PATH}"),
        ("a=1; Path=/", f"a=1; Path={PATH}"),
        ("a=1; path=/jobs; HttpOnly", f"a=1; HttpOnly; Path={PATH}jobs"),
        ("a=1; Domain=example.org; Secure", f"a=1; Secure; Path={PATH}"),
        (f"a=1; Path={PATH}x", f"a=1; Path={PATH}x"),
        ("a=b=c; SameSite=Lax", f"a=b=c; SameSite=Lax; Path={PATH}"),
        ("service-zoe=1", None),
        ("jupyterhub-session-id=1; Path=/", None),
        ("__Host-a=1; Path=/; Secure", None),
    ],
)
def test_cookies_are_confined_to_the_endpoint(cookie: str, expected: str | None) -> None:
    assert confine_cookie(cookie, TARGET) == expected
    assert received(("Set-Cookie", cookie)) == ([("Set-Cookie", expected)] if expected else [])


def test_an_application_serves_below_its_own_root_or_below_the_endpoint() -> None:
    assert TARGET.url("jobs/a%2Fb", "x=1") == "http://127.1.2.3:31000/jobs/a%2Fb?x=1"
    assert KEEPS.url("jobs/", "") == f"http://127.1.2.3:31000{PATH}jobs/"


def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    assert Target("http", "::1", 80, PATH, False).url("", "") == "http://[::1]:80/"


@pytest.mark.parametrize(
    ("query", "token", "expected"),
    [
        ("token=abc&x=1", "abc", "x=1"),
        ("x=1&token=abc", "abc", "x=1"),
        ("token=other", "abc", "token=other"),
        ("token=abc", None, "token=abc"),
    ],
)
def test_the_token_of_the_hub_is_taken_from_the_query(
    query: str, token: str | None, expected: str
) -> None:
    assert without_token(query, token) == expected
