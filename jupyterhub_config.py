"""The settings of this Zoe. Start it with `make portal`.

First Zoe's own settings are filled in; whatever you set below them wins. Environment variables:

    ZOE_PORT          where people open it, on 127.0.0.1          (8000)
    ZOE_DIR           where everything is kept                    (.zoe)
    ZOE_BACKEND       what runs the applications: process or      (process)
                      docker, see docs/docker.md
    ZOE_ADDRESS       this machine's address, which servers       (127.0.0.1; with docker
                      call the Hub and the portal at              that of docker0)
    ZOE_DATABASE_URL  a Postgres database of your own             (one is started in ZOE_DIR)
    ZOE_STANDALONE    1: master and portal are processes of       (0)
                      their own, see docs/administrator.md

The settings of JupyterHub are `c.JupyterHub.…`, those of Zoe `c.ZoeSpawner.…`, `c.ZoeMaster.…`,
`c.ZoePortal.…` and `c.ZoeAuthenticator.…`.
"""

from zoe_hub.hub_config import configure

c = get_config()  # noqa: F821 (given by traitlets)
configure(c)

# Who gets in. The default is a one-time link for the administrator and passwords for whom she
# invites. Any authenticator of JupyterHub can take its place:
# c.JupyterHub.authenticator_class = "pam"

# Who administers Zoe, besides the administrator of the link: the members of this group.
# c.JupyterHub.load_groups = {"zoe-admin": {"users": ["ada"]}}

# Whose own descriptions may say `"priority": "high"`, besides those of the administrators.
# c.JupyterHub.load_roles.append(
#     {"name": "urgent", "scopes": ["custom:zoe:priority"], "groups": ["on-call"]}
# )
