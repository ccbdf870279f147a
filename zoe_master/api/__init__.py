"""The master's sockets, for known clients only: ROUTER for requests, for logs, PUB for news."""
