"""The only readers: each turns something outside into data, and never writes to it."""
