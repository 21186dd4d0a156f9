"""What is specific to PostgreSQL: the reading connection and its limits, errors, the catalog, URLs, SQL text in tokens."""
