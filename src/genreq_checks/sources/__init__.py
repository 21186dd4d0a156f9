"""The only readers: each turns an external source into data, and never writes to it."""
