"""PostgreSQL's side: the reading connection and its limits, what a failure means, the catalog, URLs, SQL text in tokens."""
