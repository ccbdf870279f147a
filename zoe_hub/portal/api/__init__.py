"""REST: which handler answers at which address below ``/services/zoe/api/v1``."""

from __future__ import annotations

from zoe_hub.portal.api.about import Metrics, OpenApi, ShowInfo
from zoe_hub.portal.api.audit import ShowAudit
from zoe_hub.portal.api.cluster import ServiceDiscovery, WaitingQueue
from zoe_hub.portal.api.downloads import AuditFile, UsageFile, UsageSeriesFile
from zoe_hub.portal.api.drains import ListDrains, OneDrain
from zoe_hub.portal.api.estimate import EstimateStart
from zoe_hub.portal.api.executions import Executions, OneExecution
from zoe_hub.portal.api.findings import ListFindings
from zoe_hub.portal.api.gallery import OneZApp, Validate, ZApps
from zoe_hub.portal.api.keep import KeepExecution
from zoe_hub.portal.api.logs import InstanceLog
from zoe_hub.portal.api.nodes import FollowNodes, Nodes, OneNode
from zoe_hub.portal.api.quotas import ListQuotas, OneQuota
from zoe_hub.portal.api.strangers import ListStrangers
from zoe_hub.portal.api.streams import Events, ExecutionEvents
from zoe_hub.portal.api.usage import ShowUsage, ShowUsageSeries
from zoe_hub.portal.api.use import ShowUse
from zoe_hub.portal.api.users import ListUsers
from zoe_hub.portal.auth import ApiHandler

API_PATH = "api/v1"
"""Below the portal's prefix."""

HANDLERS: dict[str, type[ApiHandler]] = {
    "/info": ShowInfo,
    "/openapi.json": OpenApi,
    "/metrics": Metrics,
    "/zapps": ZApps,
    "/zapps/validate": Validate,
    "/zapps/{slug}": OneZApp,
    "/executions": Executions,
    "/executions/{execution_id}": OneExecution,
    "/executions/{execution_id}/events": ExecutionEvents,
    "/executions/{execution_id}/keep": KeepExecution,
    "/executions/{execution_id}/use": ShowUse,
    "/executions/{execution_id}/instances/{instance}/logs": InstanceLog,
    "/events": Events,
    "/estimate": EstimateStart,
    "/queue": WaitingQueue,
    "/cluster": Nodes,
    "/cluster/events": FollowNodes,
    "/nodes/{name}": OneNode,
    "/drains": ListDrains,
    "/drains/{name}": OneDrain,
    "/quotas": ListQuotas,
    "/quotas/{kind}/{name}": OneQuota,
    "/strangers": ListStrangers,
    "/findings": ListFindings,
    "/usage": ShowUsage,
    "/usage.csv": UsageFile,
    "/usage/series": ShowUsageSeries,
    "/usage/series.csv": UsageSeriesFile,
    "/users": ListUsers,
    "/audit": ShowAudit,
    "/audit.csv": AuditFile,
    "/discovery/{execution_id}/{service}": ServiceDiscovery,
}
"""By the address as OpenAPI writes it; where two match, the first one wins."""
