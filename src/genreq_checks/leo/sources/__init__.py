"""The evidence of the application: recorded messages, and a generation that was run."""
