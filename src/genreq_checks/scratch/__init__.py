"""A scratch database with the structure of the source, for what must not run on the source itself."""
