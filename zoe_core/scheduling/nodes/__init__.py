"""What the nodes have free, what fits there, and what they will have once others have left."""
