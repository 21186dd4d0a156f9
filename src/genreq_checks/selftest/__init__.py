"""The self-test: each known fault is planted in a clean table, and exactly the right checks must change."""
