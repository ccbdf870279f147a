"""Zoe's custom scopes of JupyterHub, and the roles that hold them."""

from typing import Any

SERVICE = "zoe"
USER_GROUP = "zoe-user"
POWER_GROUP = "zoe-power"
ADMIN_GROUP = "zoe-admin"
GROUPS = (USER_GROUP, POWER_GROUP, ADMIN_GROUP)
ACCESS = f"access:services!service={SERVICE}"


CUSTOM_SCOPES: dict[str, dict[str, Any]] = {
    "custom:zoe:launch": {"description": "Launch ZApps of the gallery"},
    "custom:zoe:launch-own": {"description": "Launch own ZApp descriptions"},
    "custom:zoe:priority": {"description": "Launch with high priority, before everybody else"},
    "custom:zoe:resources": {"description": "Choose memory and cores"},
    "custom:zoe:gallery-full": {"description": "See all ZApps of the gallery"},
    "custom:zoe:status": {"description": "See the queue and the cluster"},
    "custom:zoe:delete": {"description": "Delete own executions that have ended"},
    "custom:zoe:operate-others": {"description": "See, change and stop what others have"},
    "custom:zoe:admin": {
        "description": "Administer Zoe: quotas, nodes, usage, audit log",
        "subscopes": ["custom:zoe:operate-others"],
    },
}

USER_SCOPES = [
    ACCESS,
    "custom:zoe:launch",
    "custom:zoe:status",
    "custom:zoe:delete",
]

POWER_SCOPES = [
    *USER_SCOPES,
    "custom:zoe:launch-own",
    "custom:zoe:resources",
    "custom:zoe:gallery-full",
]

ADMIN_SCOPES = [
    *POWER_SCOPES,
    "custom:zoe:priority",
    "custom:zoe:admin",
    "custom:zoe:operate-others",
]

# What the portal may ask of a person's permissions: to act for her, never more than she may.
PORTAL_ALLOWED_SCOPES = [
    *ADMIN_SCOPES,
    "self",
    "servers!user",
]

# What a person's own notebook may do with its JUPYTERHUB_API_TOKEN, as far as she may herself.
SERVER_TOKEN_SCOPES = [
    "users:activity!user",
    "access:servers!server",
    *ADMIN_SCOPES,
    "servers!user",
]

ROLES: list[dict[str, Any]] = [
    # JupyterHub's own role of everybody: a site that takes Zoe out of it gives it by group.
    {"name": "user", "scopes": ["self", *USER_SCOPES]},
    {
        "name": "zoe-user",
        "description": "Launches from the gallery",
        "scopes": USER_SCOPES,
        "groups": [USER_GROUP],
    },
    {
        "name": "zoe-power",
        "description": "Launches descriptions of her own, and chooses memory and cores",
        "scopes": POWER_SCOPES,
        "groups": [POWER_GROUP],
    },
    {
        "name": "zoe-admin",
        "description": "Administers Zoe",
        "scopes": ADMIN_SCOPES,
        "groups": [ADMIN_GROUP],
    },
    {
        "name": "zoe-portal",
        "description": "Launches servers again that waited while JupyterHub was restarted, "
        "and sees which ones idle",
        "scopes": ["list:users", "read:servers", "start:servers"],
        "services": [SERVICE],
    },
]
