"""The master's engine: facts in, decisions by ``zoe_core``, effects out."""
