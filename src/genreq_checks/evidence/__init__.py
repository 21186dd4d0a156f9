"""What checks judge, built from snapshots: sides, rates, changes, and contradictions that remove a fact. Pure."""
