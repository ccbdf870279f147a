"""A browser that logs in at the Hub and comes back to the portal: the OAuth dance, by hand.

There is no proxy in front of the test's Hub, so this one sends each path to where it belongs.
"""

from urllib.parse import urlsplit

import httpx

from tests.support.hub import NO_TLS, PASSWORD, PREFIX, Hub


class Browser:
    """Follows redirects between Hub and portal, keeps cookies, and sends what browsers send."""

    def __init__(self, hub: Hub, portal_url: str) -> None:
        self._hub = hub.url
        self._portal = portal_url.removesuffix(PREFIX)
        # One client for both: browsers tell cookies apart by host and path, not by port.
        self.client = httpx.AsyncClient(timeout=30, verify=NO_TLS)

    async def open(self, path: str) -> httpx.Response:
        """Navigate to a path, as a person does; redirects are followed."""
        for _ in range(10):
            answer = await self.client.get(
                self._address(path), headers={"Sec-Fetch-Mode": "navigate"}
            )
            if not answer.is_redirect:
                return answer
            path = answer.headers["Location"]
        raise AssertionError(f"too many redirects, at last to {path}")

    async def send(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        """What a script of a page does; redirects are not followed."""
        headers = {
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Site": "same-origin",
            **kwargs.pop("headers", {}),  # type: ignore[dict-item]
        }
        return await self.client.request(method, self._address(path), headers=headers, **kwargs)  # type: ignore[arg-type]

    async def log_in(self, user: str) -> httpx.Response:
        """Open the portal, type name and password, and arrive at the portal."""
        page = await self.open(PREFIX)
        assert page.url.path == "/hub/login", page.text
        xsrf = self.cookie("_xsrf", "/hub/")
        answer = await self.client.post(
            page.url,
            data={"username": user, "password": PASSWORD, "_xsrf": xsrf},
            headers={"Sec-Fetch-Mode": "navigate"},
        )
        assert answer.is_redirect, answer.text
        return await self.open(answer.headers["Location"])

    def cookie(self, name: str, path: str) -> str:
        """The value of a cookie."""
        for cookie in self.client.cookies.jar:
            if cookie.name == name and cookie.path == path:
                return cookie.value or ""
        raise AssertionError(f"no cookie {name} for {path}: {self.client.cookies.jar}")

    @property
    def xsrf(self) -> str:
        """What scripts of the portal's pages send as X-XSRFToken."""
        return self.cookie("_xsrf", PREFIX)

    def _address(self, path: str) -> str:
        parts = urlsplit(path)
        base = self._portal if parts.path.startswith(PREFIX) else self._hub
        return base + parts.path + (f"?{parts.query}" if parts.query else "")
