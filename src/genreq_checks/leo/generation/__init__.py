"""A generation, end to end, over a real WebSocket: a stand-in container, a reference server, and both together."""
