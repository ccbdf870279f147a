"""Opening the web ports of running instances through the portal, HTTP and websockets.

What an instance shows is content of its owner under the Hub's own origin: a script in it could act
as whoever opens it. So only the owner may open an endpoint, and this package keeps apart what can
be:

- The Hub's cookies and tokens stay here (``headers.request_headers``).
- Cookies of an instance are confined to its path; headers that speak for the whole origin
  (``Service-Worker-Allowed``, ``Clear-Site-Data``, …) are dropped.
- Pages of instances may be framed by pages of this origin only (``frame-ancestors 'self'``), and
  nobody else may send requests to them: see ``handler.EndpointProxy.check_xsrf_cookie``.

A ``sandbox`` content policy would keep scripts of an instance from acting as the owner, too. It is
not sent: it makes the origin of the page opaque, so browsers would withhold the login's cookie
from its own scripts and styles, and no application would load. Only a host name of its own for
each execution separates them fully.
"""

from zoe_hub.portal.endpoints.handler import EndpointProxy

ROUTES = [
    (
        r"executions/(?P<execution_id>[0-9]{1,18})/endpoints"
        r"/(?P<instance>[a-z0-9-]{1,60})/(?P<port>[0-9]{1,5})(?P<rest>/.*)?",
        EndpointProxy,
    )
]
"""Patterns that follow the portal's prefix, with their handlers."""

__all__ = ["ROUTES", "EndpointProxy"]
