"""The tokens that JupyterHub makes for servers: revoked when a newer launch has its own."""

from __future__ import annotations

from jupyterhub.orm import APIToken
from jupyterhub.user import User
from jupyterhub.utils import url_escape_path, url_path_join
from sqlalchemy.orm import Session


def revoke_earlier_tokens(session: Session, user: User, server_name: str, current: str) -> None:
    """Delete the tokens that were made for this server, but for ``current`` (empty: for all).

    JupyterHub remembers the token of a server in memory only: after a restart it would still accept
    the one that an earlier launch has in its environment. They are found by the note that
    ``jupyterhub.user.User.spawn`` gives them.
    """
    note = f"Server at {url_path_join(user.base_url, url_escape_path(server_name), '/')}"
    kept = APIToken.find(session, current) if current else None
    for token in session.query(APIToken).filter_by(user_id=user.orm_user.id, note=note):
        if token is not kept:
            session.delete(token)
    session.commit()
