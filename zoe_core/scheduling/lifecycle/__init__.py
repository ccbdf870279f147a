"""Desired against observed: how executions and instances move through their lives."""
