"""The pages of the portal, and the files they load: addresses below the portal's own prefix."""

from tornado.web import RequestHandler

from zoe_hub.portal.pages.admin import AdminHome, DrainNode, ForgetDrain, NodesPage
from zoe_hub.portal.pages.admin_audit import AuditPage
from zoe_hub.portal.pages.admin_executions import AllExecutions
from zoe_hub.portal.pages.admin_usage import UsagePage
from zoe_hub.portal.pages.admin_users import QuotaPage, RemoveQuota, UsersPage
from zoe_hub.portal.pages.admin_warnings import WarningsPage
from zoe_hub.portal.pages.assets import Asset, Logo
from zoe_hub.portal.pages.estimate import EstimatePart
from zoe_hub.portal.pages.executions import (
    ChangeExecution,
    ExecutionPage,
    ExecutionsPage,
    StopExecution,
)
from zoe_hub.portal.pages.gallery import GalleryPage, ZAppPage
from zoe_hub.portal.pages.keep import KeepServer
from zoe_hub.portal.pages.my_usage import MyUsagePage
from zoe_hub.portal.pages.own import CheckOwn, OwnPage, OwnSchema
from zoe_hub.portal.pages.queue import PrioritizeQueued, QueuePage, StopQueued

_SLUG = r"(?P<slug>[a-z0-9-]+)"
_ID = r"(?P<execution_id>[0-9]{1,18})"
_NAME = r"(?P<name>[^/]+)"

ROUTES: list[tuple[str, type[RequestHandler]]] = [
    (r"", GalleryPage),
    (rf"zapps/{_SLUG}", ZAppPage),
    (rf"zapps/{_SLUG}/logo", Logo),
    (rf"zapps/{_SLUG}/estimate", EstimatePart),
    (r"queue", QueuePage),
    (rf"queue/{_ID}/priority", PrioritizeQueued),
    (rf"queue/{_ID}/stop", StopQueued),
    (r"executions", ExecutionsPage),
    (rf"executions/{_ID}", ExecutionPage),
    (rf"executions/{_ID}/stop", StopExecution),
    (rf"executions/{_ID}/change", ChangeExecution),
    (rf"executions/{_ID}/keep", KeepServer),
    (r"launch", OwnPage),
    (r"launch/check", CheckOwn),
    (r"launch/schema\.json", OwnSchema),
    (r"usage/me", MyUsagePage),
    (r"admin", AdminHome),
    (r"admin/executions", AllExecutions),
    (r"admin/nodes", NodesPage),
    (rf"admin/nodes/{_NAME}/drain", DrainNode),
    (rf"admin/drains/{_NAME}/remove", ForgetDrain),
    (r"admin/users", UsersPage),
    (r"admin/quota", QuotaPage),
    (r"admin/quota/remove", RemoveQuota),
    (r"admin/usage", UsagePage),
    (r"admin/warnings", WarningsPage),
    (r"admin/audit", AuditPage),
    (r"static/(.*)", Asset),
]
"""Patterns that follow the prefix, with their handlers."""

__all__ = ["ROUTES"]
