"""The administrator's one-time login link: a URL in a private file, good for one login."""

import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit


class LoginLink:
    """The link in the file at `path`, mode 0600; without the file there is none.

    It is good for `lifetime` seconds since the file was written.
    """

    def __init__(self, path: Path, lifetime: float) -> None:
        self._path = path
        self._lifetime = lifetime

    def renew(self, page: str) -> str:
        """Write a new link to `page`, in place of any earlier one, and return it."""
        url = f"{page}?{urlencode({'token': secrets.token_urlsafe(32)})}"
        self._path.unlink(missing_ok=True)
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(url + "\n")
        return url

    def url(self) -> str | None:
        """The link, if there is one."""
        try:
            return self._path.read_text().strip()
        except FileNotFoundError:
            return None

    def is_valid(self, token: str, now: float) -> bool:
        """Whether `token` is that of the link; `now` in Unix seconds."""
        url = self.url()
        if url is None or self._path.stat().st_mtime + self._lifetime < now:
            return False
        expected = parse_qs(urlsplit(url).query).get("token", [])
        return any(hmac.compare_digest(token.encode(), each.encode()) for each in expected)

    def use(self, token: str, now: float) -> bool:
        """Use the link up; False when `token` is not valid."""
        if not self.is_valid(token, now):
            return False
        self._path.unlink()
        return True
