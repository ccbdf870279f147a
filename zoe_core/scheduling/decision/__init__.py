"""One pass over the queue: who starts, who keeps a place, who may pass, who gives back, and why."""
