"""When things will start, worked out in a process of its own: the master's loop waits for nothing.

``process`` starts and asks it, ``child`` is what runs there, ``sync`` keeps it informed.
"""
