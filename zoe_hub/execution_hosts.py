"""A host name of its own for each execution, where the Hub gives its parts host names.

With ``c.JupyterHub.subdomain_host = "https://zoe.example.org"`` the Hub and the portal are there,
each user's servers at ``<user>.zoe.example.org``, and the endpoints of execution 42 at
``execution--42.zoe.example.org``. The Hub's own names never look like that: it replaces a user's
name that has ``--`` in it, and ends those of services in ``--service``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from jupyterhub.utils import subdomain_hook_idna

from zoe_hub.permissions import SERVICE

_LABEL = "execution--"
_NUMBER = "[1-9][0-9]{0,17}"  # one host for each: 042 is none


@dataclass(frozen=True, slots=True)
class ExecutionHosts:
    """``main`` is the origin of Hub and portal, such as ``https://zoe.example.org``.

    When it is empty there are no such hosts: this object is false then.
    """

    main: str = ""

    @classmethod
    def of(cls, subdomain_host: str) -> ExecutionHosts:
        """From the Hub's setting, in which the protocol may be missing, as for the Hub itself."""
        if subdomain_host and "://" not in subdomain_host:
            subdomain_host = f"https://{subdomain_host}"
        return cls(subdomain_host.rstrip("/"))

    def __bool__(self) -> bool:
        return bool(self.main)

    @property
    def secure(self) -> bool:
        """Whether browsers come with https."""
        return urlsplit(self.main).scheme == "https"

    @property
    def pattern(self) -> str:
        """A regular expression of their names, for Python and for Go (traefik)."""
        domain = (urlsplit(self.main).hostname or "").replace(".", "[.]")
        return f"^{_LABEL}{_NUMBER}[.]{domain}$"

    def origin(self, execution_id: int) -> str:
        """The origin of an execution's host; empty where there are no such hosts."""
        if not self:
            return ""
        parts = urlsplit(self.main)
        return f"{parts.scheme}://{_LABEL}{execution_id}.{parts.netloc}"

    def execution_of(self, host_name: str) -> int | None:
        """The execution whose host this is, without a port; None when it is another one."""
        if not self or not re.fullmatch(self.pattern, host_name):
            return None
        return int(host_name.partition(".")[0].removeprefix(_LABEL))


def subdomain(name: str, domain: str, kind: str) -> str:
    """The Hub's ``subdomain_hook``: its own names, but for the portal, which stays with the Hub.

    They belong together: pages of both link to each other, under one login.
    """
    if (kind, name) == ("service", SERVICE):
        return domain
    return str(subdomain_hook_idna(name, domain, kind))
