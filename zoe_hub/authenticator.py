"""Login out of the box: a one-time link for the administrator, passwords for whom she invites."""

import asyncio
import math
import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.utils import url_path_join
from tornado import web
from traitlets import Integer, Unicode, default

from zoe_hub.attempts import Attempts
from zoe_hub.login_link import LoginLink
from zoe_hub.passwords import PasswordFile


class Proven(dict):
    """What a handler of ours hands to `login_user` when a link has proved who somebody is.

    A form cannot make one: the Hub hands forms on as plain dicts.
    """


class ZoeAuthenticator(Authenticator):
    """Users with a password or a link; nobody else gets in."""

    directory = Unicode(
        ".zoe", config=True, help="The directory of the login link and of the hashed passwords."
    )
    administrator = Unicode(
        "admin", config=True, help="The user whom the one-time login link logs in."
    )
    link_lifetime = Integer(
        24 * 3600, config=True, help="Seconds for which the one-time login link is good."
    )
    invitation_lifetime = Integer(
        7 * 24 * 3600, config=True, help="Seconds for which an invitation is good."
    )

    backend = Unicode(
        "", config=True, help="Zoe's back-end: the invite page says what `process` means for users."
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        directory = Path(self.directory)
        self.passwords = PasswordFile(directory / "passwords.json")
        self.link = LoginLink(directory / "login-link", self.link_lifetime)
        self._attempts = Attempts()
        self._hashing = asyncio.Lock()  # one hash at a time: each takes 32 MB and a core

    @default("allow_all")
    def _allow_whoever_is_proven(self) -> bool:
        return True

    def get_handlers(self, app: Any) -> list[tuple[str, type]]:
        """Called once, when the Hub starts: a fresh link, and our pages beside the Hub's login."""
        from zoe_hub import login_pages  # it imports us

        home = app.subdomain_host or app.proxy.public_url
        self.link.renew(url_path_join(home, app.hub.base_url, "zoe-login"))
        return [*super().get_handlers(app), *login_pages.handlers]

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """Check a password, or believe a handler of ours that has checked a link."""
        if isinstance(data, Proven):
            return {"name": data["username"], "admin": data["admin"]}
        name = self.normalize_username(data.get("username", ""))
        address = handler.request.remote_ip or ""
        if await self.verify(name, data.get("password", ""), address):
            return {"name": name}
        return None

    async def verify(self, name: str, password: str, address: str) -> bool:
        """Whether this is the password of `name`. Raises a 429 after too many wrong ones.

        They count for the name and the `address` they come from: else any stranger could lock the
        administrator out. A guesser with many addresses still waits: there is one hash at a time.
        """
        source = (name, _network(address))
        pause = self._attempts.pause(source, time.monotonic())
        if pause > 0:
            raise web.HTTPError(
                429, f"Too many wrong passwords. Try again in {math.ceil(pause)} seconds."
            )
        async with self._hashing:
            correct = await asyncio.to_thread(self.passwords.verify, name, password)
        if correct:
            self._attempts.succeeded(source)
        else:
            self._attempts.failed(source, time.monotonic())
        return correct

    async def set_password(self, name: str, password: str) -> None:
        """Set or replace a password that `check_choice` has accepted."""
        async with self._hashing:
            await asyncio.to_thread(self.passwords.set_password, name, password)

    def delete_user(self, user: Any) -> None:
        """Called by the Hub when it deletes a user."""
        self.passwords.forget(user.name)
        super().delete_user(user)


def _network(address: str) -> str:
    """What one attacker has of addresses: of IPv6 a whole /64; anything that is none as it is."""
    try:
        version = ip_address(address).version
    except ValueError:
        return address
    return address if version == 4 else str(ip_network((address, 64), strict=False))
