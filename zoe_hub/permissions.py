"""Zoe's custom scopes of JupyterHub, and the roles that hold them."""

from typing import Any

SERVICE = "zoe"
ADMIN_GROUP = "zoe-admin"
ACCESS = f"access:services!service={SERVICE}"


CUSTOM_SCOPES: dict[str, dict[str, Any]] = {
    "custom:zoe:launch": {"description": "Launch ZApps of the gallery"},
    "custom:zoe:launch-own": {"description": "Launch own ZApp descriptions"},
    "custom:zoe:priority": {"description": "Launch with high priority, before everybody else"},
    "custom:zoe:resources": {"description": "Choose memory and cores (nothing needs it yet)"},
    "custom:zoe:gallery-full": {"description": "See all ZApps of the gallery"},
    "custom:zoe:status": {"description": "See the queue and the cluster"},
    "custom:zoe:delete": {"description": "Delete own executions that have ended"},
    "custom:zoe:operate-others": {"description": "See and stop the executions of all users"},
    "custom:zoe:admin": {
        "description": "Administer Zoe: quotas, nodes, usage, audit log",
        "subscopes": ["custom:zoe:operate-others"],
    },
}

USER_SCOPES = [
    ACCESS,
    "custom:zoe:launch",
    "custom:zoe:launch-own",
    "custom:zoe:status",
    "custom:zoe:delete",
]

ADMIN_SCOPES = [
    ACCESS,
    "custom:zoe:priority",
    "custom:zoe:resources",
    "custom:zoe:gallery-full",
    "custom:zoe:admin",
    "custom:zoe:operate-others",
]

# What the portal may ask of a person's permissions: to act for her, never more than she may.
PORTAL_ALLOWED_SCOPES = [
    *USER_SCOPES,
    *ADMIN_SCOPES[1:],
    "self",
    "servers!user",
]

# What a person's own notebook may do with its JUPYTERHUB_API_TOKEN, as far as she may herself.
SERVER_TOKEN_SCOPES = [
    "users:activity!user",
    "access:servers!server",
    *USER_SCOPES,
    *ADMIN_SCOPES[1:],
    "servers!user",
]

ROLES: list[dict[str, Any]] = [
    {"name": "user", "scopes": ["self", *USER_SCOPES]},
    {
        "name": "zoe-admin",
        "description": "Administers Zoe",
        "scopes": ADMIN_SCOPES,
        "groups": [ADMIN_GROUP],
    },
    {
        "name": "zoe-portal",
        "description": "Launches servers again that waited while JupyterHub was restarted",
        "scopes": ["read:servers", "start:servers"],
        "services": [SERVICE],
    },
]
