"""What runs with JupyterHub: configuration, login, proxy and spawner, and the portal service."""
