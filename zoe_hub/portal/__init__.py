"""The portal service: pages, REST, event streams and the endpoint proxy, under the Hub's login."""
