"""Sabotage: each known fault is planted in a table that was clean, and exactly the right checks must turn."""
