"""The pages of the portal, and the files they load: addresses below the portal's own prefix."""

from tornado.web import RequestHandler

from zoe_hub.portal.pages.assets import Asset, Logo
from zoe_hub.portal.pages.estimate import EstimatePart
from zoe_hub.portal.pages.executions import ExecutionPage, ExecutionsPage, StopExecution
from zoe_hub.portal.pages.gallery import GalleryPage, ZAppPage
from zoe_hub.portal.pages.queue import QueuePage

_SLUG = r"(?P<slug>[a-z0-9-]+)"
_ID = r"(?P<execution_id>[0-9]{1,18})"

ROUTES: list[tuple[str, type[RequestHandler]]] = [
    (r"", GalleryPage),
    (rf"zapps/{_SLUG}", ZAppPage),
    (rf"zapps/{_SLUG}/logo", Logo),
    (rf"zapps/{_SLUG}/estimate", EstimatePart),
    (r"queue", QueuePage),
    (r"executions", ExecutionsPage),
    (rf"executions/{_ID}", ExecutionPage),
    (rf"executions/{_ID}/stop", StopExecution),
    (r"static/(.*)", Asset),
]
"""Patterns that follow the prefix, with their handlers."""

__all__ = ["ROUTES"]
