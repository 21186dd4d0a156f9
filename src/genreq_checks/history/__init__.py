"""Runs saved in a folder, one small file each: the trend, and what changed since the last one. See docs/history.md."""
