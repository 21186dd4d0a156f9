"""What checks judge, made from snapshots: sides, rates and changes, and what takes a fact away. Pure."""
