"""The master's sockets: ROUTER for requests, PUB for news; both CURVE, for known clients only."""
