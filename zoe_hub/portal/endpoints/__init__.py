"""Opening the web ports of running instances through the portal, HTTP and websockets.

What an instance shows is content of its owner. Under the Hub's own origin, a script in it could act
as whoever opens it: so only the owner may open an endpoint there. Where the Hub has
``subdomain_host``, each execution has a host name, which is an origin, of its own, and operators
may open its endpoints as well: see ``hosted`` and ``handover``. In both cases this package keeps
apart what can be:

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
from zoe_hub.portal.endpoints.handover import Handovers
from zoe_hub.portal.endpoints.hosted import (
    Arrival,
    EndpointElsewhere,
    Entrance,
    HostedEndpoint,
    NotServedHere,
)

_EXECUTION = r"executions/(?P<execution_id>[0-9]{1,18})"

ENDPOINT = (
    rf"{_EXECUTION}/endpoints"
    r"/(?P<instance>[a-z0-9-]{1,60})/(?P<port>[0-9]{1,5})(?P<rest>/.*)?"
)
"""What follows the portal's prefix in the path of an endpoint, on every host."""

_ENTER = rf"{_EXECUTION}/enter"

ROUTES = [(ENDPOINT, EndpointProxy)]
"""On the portal's host: patterns that follow the prefix, with their handlers."""

ROUTES_BESIDE_HOSTS = [(ENDPOINT, EndpointElsewhere), (_ENTER, Entrance)]
"""The same, where executions have hosts of their own."""

HOST_ROUTES = [(ENDPOINT, HostedEndpoint), (_ENTER, Arrival)]
"""On the host of an execution; the rest is ``NotServedHere``."""

__all__ = ["ENDPOINT", "HOST_ROUTES", "ROUTES", "ROUTES_BESIDE_HOSTS", "Handovers", "NotServedHere"]
