"""The one scan: rows put into classes by SQL expressions (facets), and their fusion into one SELECT."""
