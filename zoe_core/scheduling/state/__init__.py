"""What the decision knows of the cluster: columns of numbers, refreshed where it changed."""
